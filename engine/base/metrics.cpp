#include "engine/base/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "engine/base/check.h"

namespace wfe {

namespace {

/// "0.005", "1.0": as OpenMetrics wants bounds to be written.
std::string NumberText(double value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  std::string text(digits.data(), end);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

/// Of a label's value, or of a help text.
void AppendEscaped(std::string_view text, std::string* out) {
  for (const char c : text) {
    if (c == '\\' || c == '"') *out += '\\';
    if (c == '\n') {
      *out += "\\n";
    } else {
      *out += c;
    }
  }
}

/// {a="b",le="1"}; nothing when there are none.
std::string LabelsText(const MetricLabels& labels, std::string_view le = {}) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view value) {
    text += text.empty() ? '{' : ',';
    text += name;
    text += "=\"";
    AppendEscaped(value, &text);
    text += '"';
  };
  for (const auto& [name, value] : labels) add(name, value);
  if (!le.empty()) add("le", le);
  if (!text.empty()) text += '}';
  return text;
}

void AppendHistogram(const std::string& name, const MetricLabels& labels, const Histogram& histogram,
                     std::string* text) {
  const std::vector<int64_t> counts = histogram.counts();
  if (!labels.empty() && std::all_of(counts.begin(), counts.end(), [](int64_t count) { return count == 0; })) return;
  int64_t total = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    const std::string le = i < histogram.bounds().size() ? NumberText(histogram.bounds()[i]) : "+Inf";
    *text += name + "_bucket" + LabelsText(labels, le) + ' ' + std::to_string(total) + '\n';
  }
  *text += name + "_count" + LabelsText(labels) + ' ' + std::to_string(total) + '\n';
  *text += name + "_sum" + LabelsText(labels) + ' ' + NumberText(histogram.sum()) + '\n';
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(std::make_unique<std::atomic<int64_t>[]>(bounds_.size() + 1)) {
  WFE_CHECK(std::is_sorted(bounds_.begin(), bounds_.end()), "the bounds of a histogram grow");
}

void Histogram::Observe(double value) noexcept {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  counts_[static_cast<size_t>(bound - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<int64_t> Histogram::counts() const {
  std::vector<int64_t> counts;
  for (size_t i = 0; i <= bounds_.size(); ++i) counts.push_back(counts_[i].load(std::memory_order_relaxed));
  return counts;
}

MetricsRegistry::Family& MetricsRegistry::FamilyOf(std::string_view name, std::string_view help, char kind) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    found = families_.try_emplace(std::string(name)).first;
    found->second.help = help;
    found->second.kind = kind;
  }
  WFE_CHECK(found->second.kind == kind, "a metric is of one kind");
  return found->second;
}

Counter& MetricsRegistry::MakeCounter(std::string_view name, std::string_view help, MetricLabels labels) {
  const std::lock_guard lock(mutex_);
  return FamilyOf(name, help, 'c').counters[std::move(labels)];
}

Gauge& MetricsRegistry::MakeGauge(std::string_view name, std::string_view help, MetricLabels labels) {
  const std::lock_guard lock(mutex_);
  return FamilyOf(name, help, 'g').gauges[std::move(labels)];
}

Histogram& MetricsRegistry::MakeHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                                          MetricLabels labels) {
  const std::lock_guard lock(mutex_);
  auto& histograms = FamilyOf(name, help, 'h').histograms;
  return histograms
      .emplace(std::piecewise_construct, std::forward_as_tuple(std::move(labels)),
               std::forward_as_tuple(std::move(bounds)))
      .first->second;
}

std::string MetricsRegistry::Text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, family] : families_) {
    const char* const type = family.kind == 'c' ? "counter" : family.kind == 'g' ? "gauge" : "histogram";
    text += "# TYPE " + name + ' ' + type + "\n# HELP " + name + ' ';
    AppendEscaped(family.help, &text);
    text += '\n';
    for (const auto& [labels, counter] : family.counters) {
      if (counter.value() == 0 && !labels.empty()) continue;
      text += name + "_total" + LabelsText(labels) + ' ' + std::to_string(counter.value()) + '\n';
    }
    for (const auto& [labels, gauge] : family.gauges) {
      text += name + LabelsText(labels) + ' ' + std::to_string(gauge.value()) + '\n';
    }
    for (const auto& [labels, histogram] : family.histograms) AppendHistogram(name, labels, histogram, &text);
  }
  return text + "# EOF\n";
}

Metrics& NoMetrics() {
  static MetricsRegistry nobody;
  return nobody;
}

}  // namespace wfe
