// A client that makes a schedule and waits until it has run its course.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/network.h"
#include "tests/simulation/options.h"
#include "tests/simulation/process.h"
#include "tests/simulation/random.h"

namespace wfe::simulation {

/// Lives on one strand of a process that never dies.  The schedule ends within the safety phase; the client triggers it
/// now and then, and is content when it is described as finished, with everything accounted for.
class ScheduleClient {
 public:
  ScheduleClient(Process& process, Strand& strand, Link& link, Random random, const Options& options, int number);
  ~ScheduleClient();

  void Start();
  bool done() const;
  const std::vector<std::string>& violations() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace wfe::simulation
