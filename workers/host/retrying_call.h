// One call that is repeated while its error may pass: what lets a worker outlive a restart of the server.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>
#include <optional>
#include <string>

#include "workers/host/environment.h"

namespace wfe::worker {

struct RetryOptions {
  Duration timeout = std::chrono::seconds(30);  ///< Of one try.
  std::optional<Instant> give_up_at;            ///< No further try begins after this; nullopt: never.
};

/// Calls `method` of the workflow service until it succeeds, fails for good, or time is up; then runs `done` on the
/// strand with the last answer.  Does nothing more once `alive` has expired.  The call must be idempotent, as all
/// answers to tasks are by their token.
void CallWithRetries(const Environment& environment, std::weak_ptr<const void> alive, std::string method,
                     std::shared_ptr<const google::protobuf::MessageLite> request, RetryOptions options,
                     Function<void(Result<std::string>)> done);

/// Typed: parses the answer.
template <class Response, class Done>
void CallMethodWithRetries(const Environment& environment, std::weak_ptr<const void> alive, std::string method,
                           std::shared_ptr<const google::protobuf::MessageLite> request, RetryOptions options,
                           Done done) {
  const std::string name = method;
  CallWithRetries(environment, std::move(alive), std::move(method), std::move(request), options,
                  [name, done = std::move(done)](Result<std::string> bytes) mutable {
                    if (!bytes) return done(Result<Response>(std::move(bytes).error()));
                    Response response;
                    if (!response.ParseFromString(*bytes)) {
                      return done(Result<Response>(Internal(name + ": the answer is not a valid message")));
                    }
                    done(Result<Response>(std::move(response)));
                  });
}

}  // namespace wfe::worker
