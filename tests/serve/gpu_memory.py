"""A GPU's memory as a client of the server has it, by the driver alone: nothing but ctypes is needed."""

import ctypes


def load_driver():
    """libcuda with a GPU behind it, or None."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count = ctypes.c_int(0)
    usable = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    return driver if usable else None


class GpuMemory:
    """An allocation on the first GPU that other processes may open; use it in a `with`."""

    def __init__(self, driver, size):
        self.driver, self.size = driver, size
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)
        self.address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(self.address), ctypes.c_size_t(size))

    def call(self, name, *arguments):
        result = getattr(self.driver, name)(*arguments)
        if result != 0:
            raise AssertionError(f"{name}: error {result} of the driver")

    def handle(self):
        """The 64 bytes by which another process opens it."""
        handle = (ctypes.c_char * 64)()
        self.call("cuIpcGetMemHandle", handle, self.address)
        return bytes(handle)

    def write(self, data, offset=0):
        self.call("cuMemcpyHtoD_v2", ctypes.c_uint64(self.address.value + offset), data, ctypes.c_size_t(len(data)))

    def read(self, size, offset=0):
        data = (ctypes.c_char * size)()
        self.call("cuMemcpyDtoH_v2", data, ctypes.c_uint64(self.address.value + offset), ctypes.c_size_t(size))
        return bytes(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call("cuMemFree_v2", self.address)
