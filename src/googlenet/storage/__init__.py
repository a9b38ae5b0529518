"""Files: written atomically, tensors as safetensors, arrays read and written a few rows at a time.

Everything here can change what a result holds, so all of it counts in the code digests of the stages that use it.
"""
