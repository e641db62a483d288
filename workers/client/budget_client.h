// The budgets of a records service (QF-2).
#pragma once

#include "workers/client/budget_keeper.h"
#include "workers/client/service_client.h"

namespace wfe::client {

/// `client` outlives it.
class BudgetClient final : public BudgetKeeper {
 public:
  explicit BudgetClient(ServiceClient& client, Duration timeout = std::chrono::seconds(10))
      : client_(client), timeout_(timeout) {}
  Result<BudgetAnswer> Reserve(const BudgetedCall& call, std::optional<Money> most, Duration lease) override;
  Status Settle(const BudgetedCall& call, const CallCharge& charge) override;

 private:
  ServiceClient& client_;
  const Duration timeout_;
};

}  // namespace wfe::client
