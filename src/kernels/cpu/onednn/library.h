#pragma once
// oneDNN is opened when it is first asked for, so that programs start fast and run on machines without it.

namespace burnish::onednn {

/// Opens the library on the first call. False when it is not installed; its functions then report "unimplemented".
bool library_available();
/// The file that is looked for, such as "libdnnl.so.2".
const char* library_name();
/// A function of the library or of what it depends on (its OpenMP); nullptr when there is none.
void* library_symbol(const char* name);

}  // namespace burnish::onednn
