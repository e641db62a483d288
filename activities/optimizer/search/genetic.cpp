// The genetic algorithm (SR-6).
#include <algorithm>

#include "activities/optimizer/search/algorithms.h"
#include "activities/optimizer/search/budget.h"
#include "activities/optimizer/search/candidate.h"

namespace wfe::optimizer {
namespace {

struct Individual {
  Candidate genes;
  double score = 0;
};

class Breeding {
 public:
  Breeding(const SearchSpace& space, const GeneticSettings& settings, SearchRun& run)
      : space_(space), settings_(settings), run_(run), dice_(settings.seed) {}

  /// The start, and others with more or fewer of the changes that there are.
  void Begin() {
    population_.push_back({space_.Start(), run_.best_score()});
    while (static_cast<int64_t>(population_.size()) < settings_.population && !run_.over()) {
      Candidate genes = space_.Start();
      const double share = dice_.Share();
      for (const Move& move : space_.moves()) {
        if (dice_.Share() < share) genes = space_.Neighbour(genes, move);
      }
      Add(population_, std::move(genes));
    }
    Sort();
  }

  void NextGeneration() {
    const size_t elites = std::min(static_cast<size_t>(settings_.elitism), population_.size());
    std::vector<Individual> next(population_.begin(), population_.begin() + static_cast<std::ptrdiff_t>(elites));
    while (static_cast<int64_t>(next.size()) < settings_.population && !run_.over()) {
      Candidate child = Chosen().genes;
      if (dice_.Share() < settings_.crossover) Cross(child, Chosen().genes);
      if (dice_.Share() < settings_.mutation) Mutate(child);
      Add(next, std::move(child));
    }
    if (next.size() < population_.size()) return;  // stopped in between: what was there is as good
    population_ = std::move(next);
    Sort();
  }

 private:
  void Add(std::vector<Individual>& to, Candidate genes) {
    space_.Repair(genes);
    const double score = run_.Try(genes);
    to.push_back({std::move(genes), score});
  }

  void Sort() { std::ranges::stable_sort(population_, std::ranges::greater(), &Individual::score); }

  const Individual& Chosen() {
    size_t best = population_.size();  // they are sorted: the first is the best
    for (int64_t i = 0; i < settings_.tournament; ++i) best = std::min(best, dice_.Below(population_.size()));
    return population_[std::min(best, population_.size() - 1)];
  }

  /// Takes one row or subtree of the other one, or any stretch of slots.
  void Cross(Candidate& child, const Candidate& other) {
    if (child.empty()) return;
    size_t first = dice_.Below(child.size());
    size_t last = first + 1 + dice_.Below(child.size() - first);
    const auto& subtrees = space_.subtrees();
    if (!subtrees.empty() && dice_.Share() < 0.5) {
      const auto& [begin, end] = subtrees[dice_.Below(subtrees.size())];
      first = begin;
      last = end;
    }
    for (size_t s = first; s < last; ++s) child[s] = other[s];
  }

  void Mutate(Candidate& child) {
    space_.Repair(child);
    Candidate next;
    for (int tries = 0; tries < 100; ++tries) {
      if (!RandomNeighbour(space_, dice_, child, next, nullptr)) continue;
      child = next;
      return;
    }
  }

  const SearchSpace& space_;
  const GeneticSettings& settings_;
  SearchRun& run_;
  Dice dice_;
  std::vector<Individual> population_;
};

}  // namespace

Result<OptimizationResult> Breed(const SearchProblem& problem, const GeneticSettings& settings,
                                 const SearchLimits& limits) {
  if (settings.population < 2 || settings.tournament < 1 || settings.elitism < 0 ||
      settings.elitism >= settings.population)
    return InvalidArgument("a population has two individuals or more, and fewer elites than individuals");
  WFE_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Make(problem));
  SearchRun run(space, limits);
  Breeding breeding(space, settings, run);
  OptimizationResult result;
  breeding.Begin();
  result.scores.push_back(run.best_score());
  while (result.generations < settings.generations && !run.over()) {
    breeding.NextGeneration();
    ++result.generations;
    result.scores.push_back(run.best_score());
  }
  return run.Finish(kGenetic, std::move(result));
}

}  // namespace wfe::optimizer
