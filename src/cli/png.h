#pragma once
// SVG pictures as PNG files, drawn by rsvg-convert (Debian's librsvg2-bin), which must be installed for this only.
#include <string>

namespace burnish::cli {

/// Draws the picture `width` pixels wide on white and writes it to path, complete or not at all. No shell is involved.
/// Throws kUnsupported naming the package when there is no rsvg-convert, kIo when it fails or path cannot be written.
void write_png(const std::string& path, const std::string& svg, int width);

}  // namespace burnish::cli
