// The service in memory: calls wait until the test answers them, or are answered by rules the test sets.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/client/service_client.h"

namespace wfe::worker {

namespace ws = temporal::api::workflowservice::v1;

class FakeService final : public client::ServiceClient {
 public:
  struct Pending {
    std::string method;
    std::string request;
    client::CallOptions options;
    Function<void(Result<std::string>)> done;
    bool over = false;

    void Answer(Result<std::string> answer) {
      if (std::exchange(over, true)) return;
      options.executor->Post(
          [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
    }
    template <class Request>
    Request As() const {
      Request parsed;
      parsed.ParseFromString(request);
      return parsed;
    }
  };
  using Rule = std::function<Result<std::string>(const Pending&)>;

  std::shared_ptr<client::CallHandle> Call(std::string_view, std::string_view method,
                                           const google::protobuf::MessageLite& request,
                                           const client::CallOptions& options,
                                           Function<void(Result<std::string>)> done) override {
    auto call = std::make_shared<Pending>();
    call->method = method;
    call->request = request.SerializeAsString();
    call->options = options;
    call->done = std::move(done);
    calls_.push_back(call);
    if (const auto rule = rules_.find(call->method); rule != rules_.end()) call->Answer(rule->second(*call));
    return std::make_shared<Handle>(call);
  }

  /// Answers every call of `method` at once from now on.
  void Always(const std::string& method, Rule rule) { rules_[method] = std::move(rule); }
  void Always(const std::string& method, const google::protobuf::MessageLite& response) {
    Always(method, [bytes = response.SerializeAsString()](const Pending&) { return Result<std::string>(bytes); });
  }
  void Always(const std::string& method, Error error) {
    Always(method, [error](const Pending&) { return Result<std::string>(error); });
  }
  void Never(const std::string& method) { rules_.erase(method); }

  /// All calls of the method so far.
  std::vector<std::shared_ptr<Pending>> Calls(const std::string& method) const {
    std::vector<std::shared_ptr<Pending>> calls;
    for (const auto& call : calls_) {
      if (call->method == method) calls.push_back(call);
    }
    return calls;
  }
  size_t Count(const std::string& method) const { return Calls(method).size(); }
  /// Those without an answer.
  std::vector<std::shared_ptr<Pending>> Open(const std::string& method) const {
    std::vector<std::shared_ptr<Pending>> calls;
    for (const auto& call : Calls(method)) {
      if (!call->over) calls.push_back(call);
    }
    return calls;
  }
  /// Answers the oldest open call of the method; false when there is none.
  bool Answer(const std::string& method, Result<std::string> answer) {
    const auto open = Open(method);
    if (open.empty()) return false;
    open.front()->Answer(std::move(answer));
    return true;
  }
  bool Answer(const std::string& method, const google::protobuf::MessageLite& response) {
    return Answer(method, Result<std::string>(response.SerializeAsString()));
  }
  template <class Request>
  Request Last(const std::string& method) const {
    return Calls(method).back()->As<Request>();
  }

 private:
  struct Handle final : client::CallHandle {
    explicit Handle(std::shared_ptr<Pending> c) : call(std::move(c)) {}
    void Cancel() override { call->Answer(Cancelled("the caller gave up")); }
    std::shared_ptr<Pending> call;
  };

  std::vector<std::shared_ptr<Pending>> calls_;
  std::map<std::string, Rule> rules_;
};

}  // namespace wfe::worker
