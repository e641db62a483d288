#include "engine/storage/store.h"

#include <algorithm>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "engine/storage/keys.h"
#include "engine/storage/recovery.h"
#include "wfe/engine/v1/store.pb.h"

namespace wfe::storage {

namespace {

constexpr auto kDefaultRetention = std::chrono::hours(72);

std::string RandomSecret(IdSource& ids) {
  std::string secret;
  for (int i = 0; i < 4; ++i) keys::AppendU64(secret, ids.NextRandom());
  return secret;
}

}  // namespace

/// What Open found, and what it makes of it.
struct Store::Recovered {
  StoredMeta meta;
  LedgerMark mark;
  std::optional<std::string> accepted_loss;
};

Result<std::unique_ptr<Store>> Store::Open(std::shared_ptr<KeyValueStore> kv, std::shared_ptr<Ledger> ledger,
                                           StoreOptions options) {
  WFE_CHECK(kv != nullptr && ledger != nullptr && options.clock != nullptr && options.ids != nullptr);
  Recovered recovered;
  WFE_ASSIGN_OR_RETURN(recovered.meta, ReadMeta(*kv, options.name));
  const uint64_t sequence = RecoveredSequence(recovered.meta);
  const auto mark = ledger->Read();
  std::optional<std::string> loss;
  if (mark) {
    recovered.mark = mark->value_or(LedgerMark{});
    loss = FindLoss(recovered.meta, *mark);
  } else if (mark.error().code == StatusCode::kDataLoss) {
    loss = mark.error().message;
  } else {
    return mark.error();
  }
  if (options.accepted_loss.has_value()) {
    loss = *options.accepted_loss + (loss.has_value() ? "; " + *loss : "");
  } else if (loss.has_value() && options.accept_data_loss != sequence) {
    return DataLoss(options.name + " has lost data: " + *loss +
                    ". Restore a backup, or go on with what is left: --accept-data-loss=" + std::to_string(sequence));
  }
  if (!loss.has_value() && options.accept_data_loss.has_value()) {
    return FailedPrecondition(options.name + " has lost nothing; start it without --accept-data-loss");
  }
  recovered.accepted_loss = std::move(loss);
  auto store = std::unique_ptr<Store>(new Store(std::move(kv), std::move(ledger)));
  WFE_RETURN_IF_ERROR(store->Start(recovered, options));
  return store;
}

Status Store::Start(const Recovered& recovered, const StoreOptions& options) {
  const Instant wall = options.clock->Now();
  const auto& meta = recovered.meta;
  engine::v1::StoreIdentityRow identity = meta.identity.value_or(engine::v1::StoreIdentityRow());
  if (!meta.identity.has_value()) {
    // The ledger's name is kept, so that a first open that got only as far as the ledger can be repeated.
    identity.set_store_id(recovered.mark.store_id.empty() ? options.ids->NewUuid() : recovered.mark.store_id);
    identity.set_secret(RandomSecret(*options.ids));
    *identity.mutable_created() = ToProto(wall);
  }
  identity.set_epoch(std::max(identity.epoch(), recovered.mark.epoch) + 1);
  identity_ = {identity.epoch(), identity.secret(), identity.store_id()};

  LedgerMark mark = recovered.mark;
  mark.store_id = identity_.store_id;
  mark.epoch = identity_.epoch;
  mark.clean_shutdown = false;
  WFE_ASSIGN_OR_RETURN(mark.catalog, kv_->Catalog());
  // The ledger comes first: rows without one are refused.
  WFE_RETURN_IF_ERROR(ledger_->Write(mark));

  // After an accepted loss the numbers go on behind the lost ones, so that none is ever used twice.
  CommitPosition position{std::max(RecoveredSequence(meta), mark.sequence),
                          meta.position ? meta.position->running_hash() : ""};
  const Instant last_known =
      meta.position ? FromProto(meta.position->last_known_time()) : Instant(Duration::zero());
  stage_ = std::make_unique<CommitStage>(*kv_, *ledger_, *options.clock, options.stage);
  executions_ = std::make_unique<DurableExecutionStore>(*stage_);
  namespaces_ = std::make_unique<NamespaceStore>(*stage_);
  schedules_ = std::make_unique<ScheduleStore>(*stage_);
  const uint64_t opening = position.sequence + 1;
  stage_->Begin(std::move(position), mark, last_known);

  PendingWrite write;
  auto& puts = write.rows.puts;
  std::string format;
  keys::AppendU64(format, keys::kFormatVersion);
  puts.push_back({Family::kMeta, std::string(keys::kFormat), std::move(format)});
  puts.push_back({Family::kMeta, std::string(keys::kIdentity), Serialize(identity)});
  if (recovered.accepted_loss.has_value()) {
    engine::v1::StoreAuditRow audit;
    *audit.mutable_time() = ToProto(wall);
    audit.set_what("data loss accepted: " + *recovered.accepted_loss);
    audit.set_recovered_sequence(RecoveredSequence(meta));
    audit.set_ledger_sequence(recovered.mark.sequence);
    puts.push_back({Family::kMeta, keys::AuditRow(opening), Serialize(audit)});
  }
  if (!meta.identity.has_value()) {
    engine::v1::NamespaceRow ns;
    ns.set_name(std::string(kDefaultNamespace));
    ns.set_id(options.ids->NewUuid());
    *ns.mutable_retention() = ToProto(Duration(kDefaultRetention));
    *ns.mutable_created() = ToProto(wall);
    puts.push_back({Family::kMeta, keys::NamespaceRow(kDefaultNamespace), Serialize(ns)});
  }
  WFE_RETURN_IF_ERROR(stage_->WaitDurable(stage_->Enqueue(std::move(write), {})));
  stage_->MarkLedger();
  if (stage_->failed()) return Unavailable(options.name + " cannot be written");
  if (options.commit_thread) stage_->Start();
  return Ok();
}

Store::~Store() = default;

Status Store::Close() { return stage_->Stop(); }

}  // namespace wfe::storage
