#include "engine/shard/task_token.h"

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/base/serialize.h"

namespace wfe::shard {
namespace {
constexpr char kVersion = 1;
constexpr size_t kMacBytes = 16;
constexpr size_t kMaxTokenBytes = 16 << 10;
}  // namespace

TokenCodec::TokenCodec(std::string_view secret, uint64_t epoch) : key_(secret), epoch_(epoch) {
  WFE_CHECK(!secret.empty(), "task tokens need a secret");
}

std::string TokenCodec::Seal(engine::v1::TaskToken token) const {
  token.set_epoch(epoch_);
  std::string bytes(1, kVersion);
  AppendSerialized(token, &bytes);
  const Sha256Digest mac = key_.Sign(bytes);
  bytes += AsBytes(mac).substr(0, kMacBytes);
  return bytes;
}

Result<engine::v1::TaskToken> TokenCodec::Open(std::string_view bytes, std::string_view ns,
                                               engine::v1::TaskToken::Kind kind) const {
  if (bytes.empty()) return InvalidArgument("the task token is not set");
  if (bytes.size() <= 1 + kMacBytes || bytes.size() > kMaxTokenBytes || bytes[0] != kVersion) {
    return InvalidArgument("the task token is malformed");
  }
  const std::string_view body = bytes.substr(0, bytes.size() - kMacBytes);
  const Sha256Digest mac = key_.Sign(body);
  if (!EqualInConstantTime(AsBytes(mac).substr(0, kMacBytes), bytes.substr(body.size()))) {
    return PermissionDenied("the task token was not issued by this store");
  }
  engine::v1::TaskToken token;
  if (!token.ParseFromArray(body.data() + 1, static_cast<int>(body.size() - 1))) {
    return InvalidArgument("the task token is malformed");
  }
  if (token.namespace_() != ns) return PermissionDenied("the task token belongs to another namespace");
  if (token.kind() != kind) return PermissionDenied("the task token belongs to another kind of task");
  if (kind != engine::v1::TaskToken::KIND_ACTIVITY && token.epoch() != epoch_) {
    return NotFound("the task was handed out before the server restarted and has been offered again");
  }
  return token;
}

engine::v1::TaskToken TokenFor(const ExecutionKey& key, engine::v1::TaskToken::Kind kind) {
  engine::v1::TaskToken token;
  token.set_namespace_(key.ns.value());
  token.set_workflow_id(key.workflow_id.value());
  token.set_run_id(key.run_id.value());
  token.set_kind(kind);
  return token;
}

}  // namespace wfe::shard
