"""Random changes of training images: what is drawn comes from NumPy, what is computed from TensorFlow.

Keras has layers for most of this. They are used where each picture gets changes of its own and the range of its
values is respected (Equalization). Of Keras 3.15 the others are not: RandomCrop and RandAugment draw one crop and one
operation for a whole batch, RandAugment turns by up to 180 degrees at its default, RandomSaturation takes images of
0 to 255 beyond full saturation, RandomErasing(0.5) erases in a quarter of the pictures, and MixUp and CutMix know
nothing of weights. What is drawn here is the same on every device and under every strategy, and holds no variables.
"""
