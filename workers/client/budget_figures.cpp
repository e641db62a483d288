#include "workers/client/budget_figures.h"

#include <algorithm>

#include "engine/base/time.h"
#include "wfe/records/v1/records.pb.h"
#include "workers/client/blocking_call.h"

namespace wfe::client {
namespace {

namespace rec = ::wfe::records::v1;

const char* WordFor(rec::BudgetOnExceed on_exceed) {
  switch (on_exceed) {
    case rec::BUDGET_ON_EXCEED_WARN:
      return "warn";
    case rec::BUDGET_ON_EXCEED_BLOCK:
      return "block";
    case rec::BUDGET_ON_EXCEED_DEFER:
      return "defer";
    default:
      return "?";
  }
}

BudgetFigure FigureOf(const rec::BudgetStanding& standing) {
  BudgetFigure figure;
  figure.budget = standing.name();
  figure.period = standing.period();
  if (standing.rule().has_limit_nanos()) figure.limit_usd = Money::Nanos(standing.rule().limit_nanos());
  figure.used_usd = Money::Nanos(standing.used_nanos());
  figure.reserved_usd = Money::Nanos(standing.reserved_nanos());
  figure.assumed_usd = Money::Nanos(standing.assumed_nanos());
  figure.calls = standing.calls();
  figure.unpriced_calls = standing.unpriced_calls();
  figure.warn_at_percent = standing.rule().warn_at_percent();
  figure.on_exceed = WordFor(standing.rule().on_exceed());
  if (standing.period_end_ms() > 0) {
    figure.period_end = FormatIso8601Millis(Instant(std::chrono::milliseconds(standing.period_end_ms())));
  }
  figure.from_configuration = standing.is_default();
  return figure;
}

}  // namespace

std::optional<double> BudgetFigure::UsedPercent() const {
  if (!limit_usd) return std::nullopt;
  return limit_usd->zero() ? 100 : 100 * used_usd.usd() / limit_usd->usd();
}

std::string BudgetBar(const BudgetFigure& figure, size_t width) {
  std::string bar(width, '.');
  if (figure.limit_usd) {
    const auto place = [&](Money amount) {
      const double share = figure.limit_usd->zero() ? 1 : amount.usd() / figure.limit_usd->usd();
      return static_cast<size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width) + 0.5);
    };
    const size_t used = place(figure.used_usd);
    const size_t taken = place(figure.used_usd.PlusAtMost(figure.reserved_usd));
    for (size_t i = 0; i < taken; ++i) bar[i] = i < used ? '#' : '+';
    const size_t mark = static_cast<size_t>(figure.warn_at_percent) * width / 100;
    if (figure.warn_at_percent > 0 && mark < width && bar[mark] == '.') bar[mark] = '|';
  }
  return "[" + bar + "]";
}

Result<std::vector<BudgetFigure>> ReadBudgets(ServiceClient& client, const std::string& run_id) {
  rec::GetBudgetsRequest request;
  request.set_run_id(run_id);
  WFE_ASSIGN_OR_RETURN(const rec::GetBudgetsResponse response,
                       BlockingCall<rec::GetBudgetsResponse>(client, kRecordsService, "GetBudgets",
                                                                     request, std::chrono::seconds(10)));
  std::vector<BudgetFigure> figures;
  for (const rec::BudgetStanding& standing : response.budgets()) figures.push_back(FigureOf(standing));
  return figures;
}

}  // namespace wfe::client
