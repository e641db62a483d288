// Numbers that a process shows of itself.  They are made once, by name, and then counted without a lock or an
// allocation; whoever serves them renders all of them as OpenMetrics text.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wfe {

/// Only grows.
class Counter {
 public:
  void Add(int64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

class Gauge {
 public:
  void Set(int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t n) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

/// How often a number was at most each of its bounds.
class Histogram {
 public:
  /// `bounds` grow; what is above the last one is counted too.
  explicit Histogram(std::vector<double> bounds);
  void Observe(double value) noexcept;

  const std::vector<double>& bounds() const { return bounds_; }
  /// Of each bound and of what is above, not cumulated.
  std::vector<int64_t> counts() const;
  double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  const std::unique_ptr<std::atomic<int64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// Where metrics are made.  The same name and labels give the same one.  What it returns lives as long as it does.
/// Names are those of OpenMetrics: snake_case, with their unit at the end ("_seconds", "_bytes"), a counter without its
/// "_total".  Callable from any thread; takes a lock, so nothing is made on a busy path.
class Metrics {
 public:
  virtual ~Metrics() = default;
  virtual Counter& MakeCounter(std::string_view name, std::string_view help, MetricLabels labels = {}) = 0;
  virtual Gauge& MakeGauge(std::string_view name, std::string_view help, MetricLabels labels = {}) = 0;
  virtual Histogram& MakeHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                                   MetricLabels labels = {}) = 0;
};

/// Metrics that can be shown.
class MetricsRegistry final : public Metrics {
 public:
  Counter& MakeCounter(std::string_view name, std::string_view help, MetricLabels labels = {}) override;
  Gauge& MakeGauge(std::string_view name, std::string_view help, MetricLabels labels = {}) override;
  Histogram& MakeHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                           MetricLabels labels = {}) override;

  /// OpenMetrics 1.0 text, to be served as "application/openmetrics-text; version=1.0.0; charset=utf-8".  Counters and
  /// histograms with labels appear when they have counted something: most of "every method by every status" never does.
  std::string Text() const;

 private:
  struct Family {
    std::string help;
    char kind = 0;  // c, g or h
    std::map<MetricLabels, Counter> counters;
    std::map<MetricLabels, Gauge> gauges;
    std::map<MetricLabels, Histogram> histograms;
  };
  Family& FamilyOf(std::string_view name, std::string_view help, char kind);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;  // protected by mutex_; nodes do not move
};

/// Counted and shown to nobody.
Metrics& NoMetrics();

}  // namespace wfe
