// Task tokens: what a worker holds to answer for a task.  Opaque to it, and signed, so that nobody can make one up.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/hash.h"
#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "wfe/engine/v1/state.pb.h"

namespace wfe::shard {

/// Seals and opens tokens.  Immutable, so usable from any thread.
///
/// Bytes: version 01, the serialized TaskToken, the first 16 bytes of HMAC-SHA-256(secret, all before).
class TokenCodec {
 public:
  /// `secret` stays with the store and must not be empty; `epoch` is that of this start of the engine.
  TokenCodec(std::string_view secret, uint64_t epoch);

  /// Puts in the epoch and signs.
  std::string Seal(engine::v1::TaskToken token) const;

  /// INVALID_ARGUMENT for what is no token, PERMISSION_DENIED for a wrong signature, another namespace or another
  /// kind of task.  NOT_FOUND for a workflow task or query of an older engine start: its task was offered again
  /// (epoch_in_every_token); an activity's token stays good, since its attempt is stored.
  Result<engine::v1::TaskToken> Open(std::string_view bytes, std::string_view ns,
                                     engine::v1::TaskToken::Kind kind) const;

 private:
  const HmacKey key_;
  const uint64_t epoch_;
};

/// What every token of a run's task says.
engine::v1::TaskToken TokenFor(const ExecutionKey& key, engine::v1::TaskToken::Kind kind);

inline ExecutionKey KeyOf(const engine::v1::TaskToken& token) {
  return {Namespace(token.namespace_()), WorkflowId(token.workflow_id()), RunId(token.run_id())};
}

}  // namespace wfe::shard
