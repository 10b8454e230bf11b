#include "scheduler/beam_group.h"

#include <algorithm>
#include <utility>

namespace tensorrt_llm::executor::embedded
{

namespace
{

BeamSearchConfig configOf(Request const& request)
{
    auto const sampling = request.getSamplingConfig();
    auto const temperature = sampling.getTemperature().value_or(1.f);
    BeamSearchConfig config;
    config.width = sampling.getBeamWidth();
    config.maxTokens = request.getMaxTokens();
    config.endId = request.getEndId();
    config.stopWords = request.getStopWords().value_or(std::list<VecTokens>{});
    config.temperature = temperature > 0.f ? temperature : 1.f;
    config.lengthPenalty = sampling.getLengthPenalty().value_or(config.lengthPenalty);
    config.diversityRate = sampling.getBeamSearchDiversityRate().value_or(config.diversityRate);
    config.earlyStopping = sampling.getEarlyStopping().value_or(config.earlyStopping);
    return config;
}

} // namespace

BeamGroup::BeamGroup(Request const& request)
    : mLongest(static_cast<SizeType32>(request.getInputTokenIds().size()) + request.getMaxTokens())
    , mSearch(configOf(request), request.getInputTokenIds())
    , mAdjusters{LogitAdjuster(request)}
    , mRows(1)
{
}

bool BeamGroup::gather(SizeType32 beam, float const* logits, SizeType32 vocabularySize)
{
    auto const index = static_cast<std::size_t>(beam);
    auto& adjuster = mAdjusters[index];
    auto const* row = adjuster.adjust(logits, vocabularySize, nullptr);
    if (adjuster.hasBans() && row[logits::argmax(row, static_cast<std::size_t>(vocabularySize))] == logits::kLowest)
    {
        row = adjuster.liftBans();
    }
    mRows[index].assign(row, row + vocabularySize);
    return ++mGathered == mRows.size();
}

std::vector<SizeType32> BeamGroup::advance()
{
    std::vector<float const*> rows;
    for (auto const& row : mRows)
    {
        rows.push_back(row.data());
    }
    auto parents = mSearch.advance(rows, static_cast<SizeType32>(mRows.front().size()));
    std::vector<LogitAdjuster> adjusters;
    for (std::size_t beam = 0; beam < parents.size(); ++beam)
    {
        adjusters.push_back(mAdjusters[static_cast<std::size_t>(parents[beam])]);
        adjusters.back().accept(mSearch.beams()[beam].tokens.back());
    }
    mAdjusters = std::move(adjusters);
    mRows.resize(parents.size());
    mGathered = 0;
    return parents;
}

bool BeamGroup::ended() const
{
    return mSearch.done() || static_cast<SizeType32>(mSearch.beams().front().tokens.size()) >= mLongest;
}

} // namespace tensorrt_llm::executor::embedded
