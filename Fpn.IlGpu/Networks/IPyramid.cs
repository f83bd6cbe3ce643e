namespace Fpn.IlGpu.Networks;

/// <summary>
/// The input of the heads: maps with a common number of channels, computed from the backbone's. <see cref="FeaturePyramid"/> is the
/// paper's; <see cref="AblatedPyramid"/> and <see cref="SingleMap"/> are the alternatives that the paper compares it with.
/// </summary>
internal interface IPyramid
{
    /// <summary>A description for users.</summary>
    string Description { get; }

    /// <summary>The number of channels of every level, d.</summary>
    int Channels { get; }

    /// <summary>The number of levels.</summary>
    int Levels { get; }

    /// <summary>The number of levels that correspond to a map of the backbone; RoI features are read from these.</summary>
    int MergedLevels { get; }

    /// <summary>Builds the levels from the backbone's maps, and disposes each map after its last use.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="bottomUp">The backbone's maps C2, C3, …, [N, Hl, Wl, Cl].</param>
    /// <returns>The levels P2, P3, …, [N, Hl, Wl, d]; the caller disposes them.</returns>
    FeatureMaps Run(Tape tape, Levels<Variable> bottomUp);
}
