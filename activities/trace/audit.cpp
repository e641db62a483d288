#include "activities/trace/audit.h"

#include <utility>

#include "activities/trace/trace_file.h"

namespace wfe::trace {
namespace {

sdk::ApplicationFailure Failure(std::string type, std::string message, bool non_retryable) {
  return {.message = std::move(message),
          .type = std::move(type),
          .non_retryable = non_retryable,
          .next_retry_delay = std::nullopt,
          .details = nullptr};
}

sdk::ApplicationFailure Classify(const Error& error) {
  switch (error.code) {
    case StatusCode::kInvalidArgument:
      return Failure("INVALID_ENTRY", error.message, true);
    case StatusCode::kNotFound:
      return Failure("WORKING_DIR_GONE", error.message, true);
    case StatusCode::kResourceExhausted:
      return Failure("DISK_FULL", error.message, false);
    default:
      return Failure("TRACE_IO", error.message, false);
  }
}

sdk::ActivityResult<sdk::Nothing> LogAuditEntry(const AuditConfig& config, sdk::ActivityContext& context,
                                                const LogAuditEntryInput& input) {
  if (input.working_dir.empty()) return Failure("INVALID_ENTRY", "logAuditEntry has no working_dir", true);
  Result<LogEntry> entry = CompleteEntry(input.entry, context.info().IdempotencyToken());
  if (!entry) return Classify(entry.error());
  const Instant now = config.clock ? config.clock->Now() : SystemClock().Now();
  const Result<AppendOutcome> appended = AppendEntry(input.working_dir, *entry, now);
  if (!appended) return Classify(appended.error());
  if (config.ingest) {
    // Without ext.logged_at, so that a retry stores the same bytes.
    const Status stored =
        config.ingest(entry->workflow_run_id + "/" + ExtString(*entry, "entry_id"), SerializeLogEntry(*entry));
    if (!stored) return Failure("TRACE_IO", "cannot store the entry centrally: " + stored.error().message, false);
  }
  return sdk::Nothing{};
}

}  // namespace

void RegisterAuditActivities(sdk::ActivityRegistry& registry, AuditConfig config) {
  registry.Register(kLogAuditEntry,
                    [config = std::move(config)](sdk::ActivityContext& context, const LogAuditEntryInput& input) {
                      return LogAuditEntry(config, context, input);
                    });
}

}  // namespace wfe::trace
