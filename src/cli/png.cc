#include "cli/png.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "cli/command.h"

namespace burnish::cli {
namespace {

constexpr const char* kProgram = "rsvg-convert";
constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";

/// A file without a name: unlike a pipe it takes all that is written, whoever reads it when.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(::memfd_create(name, MFD_CLOEXEC)) {
    check(descriptor_ >= 0, ErrorCode::kIo, "cannot make a file in memory: {}", std::strerror(errno));
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }
  /// /proc reaches it wherever the offset of the descriptor stands.
  std::string content() const { return read_file(fmt::format("/proc/self/fd/{}", descriptor_)); }
  void write(const std::string& text) {
    for (size_t done = 0; done < text.size();) {
      const ssize_t n = ::write(descriptor_, text.data() + done, text.size() - done);
      check(n >= 0 || errno == EINTR, ErrorCode::kIo, "cannot write to a file in memory: {}", std::strerror(errno));
      if (n > 0) done += static_cast<size_t>(n);
    }
    check(::lseek(descriptor_, 0, SEEK_SET) == 0, ErrorCode::kIo, "cannot rewind a file in memory");
  }

 private:
  int descriptor_;
};

/// posix_spawn's list of what the child's descriptors are.
class Redirections {
 public:
  Redirections() { ::posix_spawn_file_actions_init(&actions_); }
  ~Redirections() { ::posix_spawn_file_actions_destroy(&actions_); }
  Redirections(const Redirections&) = delete;
  Redirections& operator=(const Redirections&) = delete;
  void add(const MemoryFile& file, int as) { ::posix_spawn_file_actions_adddup2(&actions_, file.descriptor(), as); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0) {
    check(errno == EINTR, ErrorCode::kIo, "cannot wait for {}: {}", kProgram, std::strerror(errno));
  }
  return status;
}

/// The exit status as waitpid() tells it.
int run_converter(int width, const Redirections& redirections, const std::string& path) {
  std::array<std::string, 5> words = {kProgram, "--format=png", fmt::format("--width={}", width), "--keep-aspect-ratio",
                                      "--background-color=#fff"};
  std::array<char*, words.size() + 1> arguments{};
  for (size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, kProgram, redirections.get(), nullptr, arguments.data(), environ);
  if (error != 0) {
    throw Error(ErrorCode::kUnsupported, fmt::format("cannot draw '{}': there is no {} here ({})", printable(path),
                                                     kProgram, std::strerror(error)))
        .with_hint("install it, such as by apt-get install librsvg2-bin, or write the picture with --svg");
  }
  return wait_for(process);
}

}  // namespace

void write_png(const std::string& path, const std::string& svg, int width) {
  MemoryFile input("svg"), output("png"), messages("messages");
  input.write(svg);
  Redirections redirections;
  redirections.add(input, STDIN_FILENO);
  redirections.add(output, STDOUT_FILENO);
  redirections.add(messages, STDERR_FILENO);
  const int status = run_converter(width, redirections, path);
  const std::string png = output.content();
  check(status == 0 && png.starts_with(kPngSignature), ErrorCode::kIo, "cannot draw '{}': {} failed{}{}",
        printable(path), kProgram, messages.content().empty() ? "" : ": ", printable(messages.content()));
  write_file(path, png);
}

}  // namespace burnish::cli
