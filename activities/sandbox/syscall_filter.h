// A filter of system calls for what runs in the sandbox (seccomp): no set-user-id bits, and no reaching into the memory or
// the descriptors of another process, such as the test runner that reports to us.
#pragma once

#include <string>

namespace wfe::sandbox {

/// The program as bubblewrap's --seccomp reads it; "" on a machine whose calls are not known here.  `shields_runner`:
/// ptrace is refused too (a leak checker needs it, so only where a reporter must be shielded).
std::string SyscallFilter(bool shields_runner);

}  // namespace wfe::sandbox
