#include "activities/sandbox/syscall_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <vector>

namespace wfe::sandbox {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kArchitecture = 0;
#endif

constexpr uint32_t kX32Bit = 0x40000000;
constexpr uint32_t kFchmodat2 = 452;  // Newer than the headers.

class Program {
 public:
  void Load(uint32_t offset) { Add(BPF_LD | BPF_W | BPF_ABS, offset); }
  void Return(uint32_t action) { Add(BPF_RET | BPF_K, action); }
  void Refuse(uint32_t error = EPERM) { Return(SECCOMP_RET_ERRNO | error); }
  /// Skips `count` instructions when the loaded word is `value`; the others when it is not so.
  void IfEqual(uint32_t value, uint8_t count) { Add(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0); }
  void UnlessEqual(uint32_t value, uint8_t count) { Add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count); }
  void UnlessAtLeast(uint32_t value, uint8_t count) { Add(BPF_JMP | BPF_JGE | BPF_K, value, 0, count); }
  void UnlessAnyBit(uint32_t bits, uint8_t count) { Add(BPF_JMP | BPF_JSET | BPF_K, bits, 0, count); }

  void RefuseCall(uint32_t number) {
    UnlessEqual(number, 1);
    Refuse();
  }
  /// Refuses the call when its argument (0 to 5) has a set-id bit.
  void RefuseSetId(uint32_t number, uint32_t argument) {
    UnlessEqual(number, 4);
    // The low half of the argument, on a little-endian machine.
    Load(static_cast<uint32_t>(offsetof(seccomp_data, args)) + 8 * argument);
    UnlessAnyBit(S_ISUID | S_ISGID, 1);
    Refuse();
    Return(SECCOMP_RET_ALLOW);
  }
  std::string Bytes() const {
    return {reinterpret_cast<const char*>(code_.data()), code_.size() * sizeof(sock_filter)};
  }

 private:
  void Add(uint16_t code, uint32_t value, uint8_t if_true = 0, uint8_t if_false = 0) {
    code_.push_back({.code = code, .jt = if_true, .jf = if_false, .k = value});
  }
  std::vector<sock_filter> code_;
};

}  // namespace

std::string SyscallFilter(bool shields_runner) {
  if (kArchitecture == 0) return "";
  Program program;
  program.Load(offsetof(seccomp_data, arch));
  program.IfEqual(kArchitecture, 1);
  program.Refuse(ENOSYS);
  program.Load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
  program.UnlessAtLeast(kX32Bit, 1);
  program.Refuse(ENOSYS);
  program.RefuseSetId(SYS_chmod, 1);
#endif
  program.RefuseSetId(SYS_fchmod, 1);
  program.RefuseSetId(SYS_fchmodat, 2);
  program.RefuseSetId(kFchmodat2, 2);
  if (shields_runner) {
    program.RefuseCall(SYS_ptrace);
    program.RefuseCall(SYS_process_vm_readv);
    program.RefuseCall(SYS_process_vm_writev);
    program.RefuseCall(438);  // pidfd_getfd
  }
  program.Return(SECCOMP_RET_ALLOW);
  return program.Bytes();
}

}  // namespace wfe::sandbox
