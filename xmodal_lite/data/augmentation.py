"""Strengths of the augmentation, as a recipe holds them: validated without loading torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, le=1)]


class SpectrumSettings(BaseModel):
    """Strengths of the changes that a pair of training spectra undergoes; all 0 leaves them as they are. Ours.

    `xmodal_lite.data.augment_spectra` applies them.

    Attributes
    ----------
    shared_stretch : float
        Spread of a stretch of the axis that both samples of a pair share: heavier or lighter atoms move all the lines
        of a mineral, so a shared stretch makes a mineral that does not exist, but could.
    stretch : float
        Spread of a stretch of each sample's own, as a miscalibrated instrument does.
    shift : float
        Spread of a shift of each sample's own, cm^-1.
    intensity_exponent : float
        Spread of the logarithm of an exponent on the intensities.
    baseline : float
        Spread of a smooth curve that scales the intensities (its logarithm), and a quarter of that of one that
        is added where it is positive.
    noise : float
        Largest standard deviation of white noise, in parts of the maximum.
    blur : float
        How much is averaged with the neighbours, 0 to 1.
    mask_prob : float
        Chance that a stretch of up to a fifth of the axis is lost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    shared_stretch: float = Field(default=0.0, ge=0)
    stretch: float = Field(default=0.0, ge=0)
    shift: float = Field(default=0.0, ge=0)
    intensity_exponent: float = Field(default=0.0, ge=0)
    baseline: float = Field(default=0.0, ge=0)
    noise: float = Field(default=0.0, ge=0)
    blur: float = Field(default=0.0, ge=0, le=1)
    mask_prob: float = Field(default=0.0, ge=0, le=1)


class ImageSettings(BaseModel):
    """Strengths of the changes that a batch of training images undergoes; by default they are left as they are.

    `xmodal_lite.data.augment_images` applies them. Padding, cropping and flipping are those of the AGW line, erasing is
    that of Zhong et al. (Random Erasing, AAAI 2020) with rectangles cut at the border where theirs are drawn again,
    exchanging channels follows Ye et al. (Channel Augmented Joint Learning, ICCV 2021) with odds of our own;
    brightness, contrast and the affine map are ours. Corruption draws from the corruptions of the corrupted test sets.

    Attributes
    ----------
    pad : int
        Black pixels put around an image before a window of its own size is cut out at random.
    flip : float
        Chance that left and right change places.
    erase : float
        Chance that a rectangle is filled with ImageNet's mean colour.
    erase_area : (float, float)
        Least and largest share of the image that the rectangle covers, before a side that is too long is cut.
    colour : {"none", "grey", "exchange"}
        Of visible images only. "grey": half of them lose their colour. "exchange": each is, at equal odds, left
        alone, made grey, or made of its red, its green or its blue channel alone.
    brightness_contrast : float
        Spread of the logarithms of two random factors: on the brightness, and on the contrast about the mean.
    affine : float
        Spread of the entries of a random affine map about those of the identity: turns, sizes, slants and shifts (in
        halves of the image). What comes in at the border repeats it.
    same_on_pair : bool
        Move both images of a pair alike: affine map, window and mirror are drawn once a pair, which stays aligned.
    corruption : float
        Chance that a visible image is corrupted first, by a corruption and a severity that are drawn for it; see
        `xmodal_lite.data.corruption`. Needs the extra "corruption", and works on the processor.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pad: int = Field(default=0, ge=0)
    flip: float = Field(default=0.0, ge=0, le=1)
    erase: float = Field(default=0.0, ge=0, le=1)
    erase_area: tuple[Share, Share] = (0.02, 0.4)
    colour: Literal["none", "grey", "exchange"] = "none"
    brightness_contrast: float = Field(default=0.0, ge=0)
    affine: float = Field(default=0.0, ge=0)
    same_on_pair: bool = False
    corruption: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.erase_area[0] > self.erase_area[1]:
            raise ValueError(f"erase_area is (least, largest), got {self.erase_area}; exchange the two")
        return self
