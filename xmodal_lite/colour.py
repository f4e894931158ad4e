"""How bright a colour is: the weights of red, green and blue, which models and data share."""

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
