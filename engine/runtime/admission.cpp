#include "engine/runtime/admission.h"

#include <string>

#include "engine/base/serialize.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::runtime {

Error SystemOverloaded(std::string message) {
  temporal::api::errordetails::v1::ResourceExhaustedFailure failure;
  failure.set_cause(temporal::api::enums::v1::RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED);
  failure.set_scope(temporal::api::enums::v1::RESOURCE_EXHAUSTED_SCOPE_SYSTEM);
  Error error = ResourceExhausted(std::move(message));
  error.details.push_back({failure.GetTypeName(), Serialize(failure)});
  return error;
}

bool Admission::Overloaded() {
  const CommitBacklog now = backlog_();
  const bool was = overloaded_.load(std::memory_order_relaxed);
  // Once it is too much it stays so until half is done: a state that flutters tells nobody anything.
  const int64_t part = was ? 2 : 1;
  const bool is =
      now.commits > limits_.max_pending_commits / part || now.bytes > limits_.max_pending_commit_bytes / part;
  bool expected = was;
  if (is != was && overloaded_.compare_exchange_strong(expected, is) && on_overload_) on_overload_(is);
  return is;
}

Error Admission::Refuse(std::string message) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  return SystemOverloaded(std::move(message));
}

Status Admission::Admit(int64_t request_bytes) {
  if (Overloaded()) {
    return Refuse("the disk does not keep up: " + std::to_string(backlog_().commits) +
                            " commits wait for it (max_pending_commits, max_pending_commit_bytes); try again later");
  }
  const int64_t calls = calls_.fetch_add(1, std::memory_order_relaxed) + 1;
  const int64_t bytes = bytes_.fetch_add(request_bytes, std::memory_order_relaxed) + request_bytes;
  if (calls <= limits_.max_calls && bytes <= limits_.max_request_bytes) return Ok();
  Answered(request_bytes);
  if (calls > limits_.max_calls) {
    return Refuse(std::to_string(calls - 1) + " calls are in progress, no more are taken (max_calls)");
  }
  return Refuse("the requests in progress have " + std::to_string(bytes - request_bytes) +
                          " bytes, no more are taken (max_request_bytes)");
}

void Admission::Answered(int64_t request_bytes) {
  calls_.fetch_sub(1, std::memory_order_relaxed);
  bytes_.fetch_sub(request_bytes, std::memory_order_relaxed);
}

Status Admission::Block() {
  const int64_t before = blocking_.fetch_add(1, std::memory_order_relaxed);
  if (before < limits_.max_blocking_calls) return Ok();
  Unblock();
  return Refuse(std::to_string(before) +
                          " calls that read or write much are in progress, no more are taken (blocking_threads, max_blocking_queue)");
}

}  // namespace wfe::runtime
