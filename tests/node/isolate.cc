#include "node/isolate.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <exception>

#include "base/error.h"

namespace burnish::node_test {
namespace {

[[noreturn]] void child(const std::function<std::string()>& f, int pipe, unsigned timeout_s) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  alarm(timeout_s);
  std::string result;
  try {
    result = f();
  } catch (const std::exception& e) {
    result = e.what();
  }
  for (size_t sent = 0; sent < result.size();) {
    const ssize_t n = write(pipe, result.data() + sent, result.size() - sent);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  _exit(0);
}

std::string read_all(int pipe) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = read(pipe, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<size_t>(n));
  return text;
}

}  // namespace

std::string run_isolated(const std::function<std::string()>& f, unsigned timeout_s) {
  std::array<int, 2> ends{};
  check(pipe(ends.data()) == 0, ErrorCode::kInternal, "no pipe: {}", std::strerror(errno));
  const pid_t pid = fork();
  check(pid >= 0, ErrorCode::kInternal, "no process: {}", std::strerror(errno));
  if (pid == 0) {
    close(ends[0]);
    child(f, ends[1], timeout_s);
  }
  close(ends[1]);
  std::string result = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGALRM) return fmt::format("ran for more than {} s", timeout_s);
    return fmt::format("crashed with signal {} ({})", signal, strsignal(signal));
  }
  if (WEXITSTATUS(status) != 0) return fmt::format("exited with {}", WEXITSTATUS(status));
  return result;
}

}  // namespace burnish::node_test
