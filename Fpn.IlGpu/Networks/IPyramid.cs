using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// What heads stand on: maps of one number of channels, made of the backbone's. <see cref="FeaturePyramid"/> is the paper's;
/// <see cref="AblatedPyramid"/> and <see cref="SingleMap"/> are what the paper holds it against.
/// </summary>
internal interface IPyramid : IDisposable
{
    /// <summary>What it is, for people.</summary>
    string Description { get; }

    /// <summary>d, the channels of every level.</summary>
    int Channels { get; }

    /// <summary>The number of levels.</summary>
    int Levels { get; }

    /// <summary>The number of levels that stand on a map of the backbone: those that RoIs are read from.</summary>
    int MergedLevels { get; }

    /// <summary>Builds the levels from the backbone's maps, which it disposes as it goes.</summary>
    /// <param name="bottomUp">[N, Hl, Wl, Cl], finest first.</param>
    /// <returns>[N, Hl, Wl, d], finest first.</returns>
    FeatureMaps Run(IReadOnlyList<Tensor> bottomUp);
}
