// A caller of a Dispatcher: sends a message, keeps the answer, may hang up.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/frontend/dispatcher.h"

namespace wfe::testing {

/// The caller's end of one call.
class TestCall final : public frontend::ServerCall {
 public:
  /// `features`: what the caller supports, as its header says it; unset: everything.
  explicit TestCall(Instant deadline, std::optional<std::string> features = std::nullopt)
      : deadline_(deadline), features_(std::move(features)) {}

  Instant Deadline() const override { return deadline_; }
  bool IsCancelled() const override { return cancelled_; }
  std::optional<std::string_view> Metadata(std::string_view name) const override {
    const auto found = headers.find(name);
    if (found == headers.end()) return std::nullopt;
    return found->second;
  }
  bool Supports(std::string_view feature) const override { return !features_ || *features_ == feature; }
  void OnCancel(Function<void()> callback) override {
    if (cancelled_) return callback();
    on_cancel_ = std::move(callback);
  }
  void Reply(Result<std::string> response) override {
    EXPECT_FALSE(reply_.has_value()) << "a call is answered twice";
    reply_ = std::move(response);
    on_cancel_ = nullptr;
  }

  void Cancel() {
    cancelled_ = true;
    if (on_cancel_) on_cancel_();
  }
  const std::optional<Result<std::string>>& reply() const { return reply_; }

  std::map<std::string, std::string, std::less<>> headers;

 private:
  const Instant deadline_;
  const std::optional<std::string> features_;
  bool cancelled_ = false;
  Function<void()> on_cancel_;
  std::optional<Result<std::string>> reply_;
};

/// A call whose answer is a `Response`.
template <class Response>
class Pending {
 public:
  explicit Pending(std::shared_ptr<TestCall> call) : call_(std::move(call)) {}

  bool done() const { return call_->reply().has_value(); }
  void Cancel() { call_->Cancel(); }
  /// The parsed answer, or the error; fails the test when there is none yet.
  Result<Response> Get() const {
    if (!done()) {
      ADD_FAILURE() << "the call is not answered yet";
      return Internal("no answer");
    }
    const Result<std::string>& reply = *call_->reply();
    if (!reply) return reply.error();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*reply));
    return response;
  }
  /// The answer of a call that must succeed.
  Response Value() const {
    Result<Response> result = Get();
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().ToString());
    return result ? *std::move(result) : Response();
  }
  Error error() const {
    Result<Response> result = Get();
    EXPECT_FALSE(result.has_value()) << "the call should have failed";
    return result ? Error() : result.error();
  }

 private:
  std::shared_ptr<TestCall> call_;
};

}  // namespace wfe::testing
