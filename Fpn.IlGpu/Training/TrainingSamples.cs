using Fpn.IlGpu.Data;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>How the samples of a run are loaded and augmented.</summary>
internal static class TrainingSamples
{
    // torchvision's references and Detectron2 fit pictures into 1024 px where they detect at 800.
    private const double JitterOfMinSize = 1.28;

    /// <summary>The options of the loader.</summary>
    /// <param name="configuration">The configuration of the run.</param>
    /// <param name="model">The configuration of the model, whose sizes and rounding are used.</param>
    /// <param name="stepsDone">The number of steps that are done.</param>
    public static SampleLoaderOptions Options(TrainingConfiguration configuration, ModelConfiguration model, int stepsDone)
    {
        var (data, schedule) = (configuration.Data, configuration.Schedule);
        return new SampleLoaderOptions
        {
            BatchSize = schedule.Batch,
            Seed = configuration.Seed,
            Workers = data.Workers,
            FirstStep = (long)stepsDone * schedule.Accumulate,
            Ahead = data.Ahead * schedule.Batch * schedule.Accumulate,
            GroupByShape = true,
            WithMasks = configuration.LearnsMasks,
            Augmentation = new Augmentation
            {
                FlipProbability = data.Flip ? 0.5 : 0,
                ShorterSides = data.ShorterSides.Length > 0 ? data.ShorterSides : [model.MinSize],
                LongestSide = model.MaxSize,
                RoundsSides = model.ResizeRounds,
                Photometric = data.Augment?.Photometric,
                Crop = data.Augment?.IouCrop,
                Jitter = data.Augment?.ScaleJitter is { } jitter
                    ? jitter with { Side = jitter.Side > 0 ? jitter.Side : (int)(JitterOfMinSize * model.MinSize) }
                    : null,
            },
        };
    }
}
