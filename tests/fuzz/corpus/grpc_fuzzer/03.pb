
identity*o
INPUT0FP32"
shared_memory_byte_size"
shared_memory_offset" 
shared_memory_regionregion