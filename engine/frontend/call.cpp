#include "engine/frontend/call.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/excerpt.h"
#include "engine/base/serialize.h"
#include "engine/frontend/served_method.h"
#include "temporal/api/enums/v1/failed_cause.pb.h"
#include "temporal/api/errordetails/v1/message.pb.h"

namespace wfe::frontend {

namespace details = temporal::api::errordetails::v1;

namespace {

constexpr size_t kMaxMessageBytes = 1000;
constexpr size_t kMaxDetailBytes = 2000;

/// The message, cut, and the details that fit.
void Shorten(Error& error) {
  error.message = Excerpt(error.message, kMaxMessageBytes);
  size_t bytes = 0;
  std::erase_if(error.details, [&bytes](const ErrorDetail& detail) {
    if (bytes + detail.bytes.size() > kMaxDetailBytes) return true;
    bytes += detail.bytes.size();
    return false;
  });
}

}  // namespace

void Call::Fail(Error error) const {
  const auto add = [&error](const google::protobuf::Message& detail) {
    error.details.push_back({detail.GetTypeName(), Serialize(detail)});
  };
  if (error.details.empty()) {
    switch (error.code) {
      case StatusCode::kNotFound:
        add(details::NotFoundFailure());
        break;
      case StatusCode::kPermissionDenied: {
        details::PermissionDeniedFailure failure;
        failure.set_reason(error.message);
        add(failure);
        break;
      }
      case StatusCode::kResourceExhausted: {
        details::ResourceExhaustedFailure failure;
        failure.set_cause(temporal::api::enums::v1::RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT);
        failure.set_scope(temporal::api::enums::v1::RESOURCE_EXHAUSTED_SCOPE_SYSTEM);
        add(failure);
        break;
      }
      default:
        break;
    }
  }
  Shorten(error);
  Finish(std::move(error));
}

Call::Call(std::shared_ptr<ServerCall> transport, std::shared_ptr<const ServedMethod> method)
    : record_(std::make_shared<Record>(std::move(transport), std::move(method))) {}

Call::Record::Record(std::shared_ptr<ServerCall> of, std::shared_ptr<const ServedMethod> by)
    : transport(std::move(of)), method(std::move(by)), began(method->clock.Now()) {
  context.method = &method->facts;
  context.transport = transport.get();
}

Call::Record::~Record() {
  if (finished.load(std::memory_order_acquire)) return;
  const std::string name(method->facts.name);
  method->log.Error("call_dropped", "a call of " + name + " was dropped by its handler", {{"method", name}});
  Finish(Internal("the call of " + name + " was dropped by its handler"));
}

void Call::Record::Finish(Result<std::string> response) {
  WFE_CHECK(!finished.exchange(true, std::memory_order_acq_rel), "a call is answered twice");
  const StatusCode code = response ? StatusCode::kOk : response.error().code;
  transport->Reply(std::move(response));
  if (admitted_bytes >= 0) method->admission->Answered(admitted_bytes);
  method->Measure(code, method->clock.Now() - began);
}

Instant Call::WaitUntil(Instant now, Duration longest, Duration margin) const {
  const Instant deadline = record_->transport->Deadline();
  if (deadline == Instant::max() || deadline - now > longest + margin) return now + longest;
  if (deadline <= now) return now;
  // A caller that waits only briefly keeps most of its time.
  return deadline - std::min(margin, (deadline - now) / 5);
}

}  // namespace wfe::frontend
