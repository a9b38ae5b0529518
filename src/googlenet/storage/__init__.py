"""Files: written atomically, tensors as safetensors, arrays read and written a few rows at a time.

All of it can change the content of a result, so it is part of the code digests of the stages that use it.
"""
