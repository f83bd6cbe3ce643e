namespace Fpn.IlGpu.Networks;

/// <summary>
/// The bottom-up pathway (paper, section 3): any network that computes feature maps from fine to coarse. A pyramid can be built on
/// any implementation.
/// </summary>
public interface IBackbone
{
    /// <summary>The number of the finest map: the base-2 logarithm of its stride, 2 for C2. The others follow consecutively.</summary>
    int FinestLevel { get; }

    /// <summary>Channels of each map, finest first.</summary>
    IReadOnlyList<int> Channels { get; }

    /// <summary>A description for users, for example <c>ResNet, bottlenecks 3, 4, 6, 3</c>.</summary>
    string Description { get; }

    /// <summary>
    /// The parts from the input on, each as the prefixes of its layers' names. Training can freeze the first parts, which detect edges
    /// and textures that all data sets have in common.
    /// </summary>
    IReadOnlyList<string> Parts { get; }

    /// <summary>Computes the maps (C2 to C5 of a ResNet); the caller disposes them.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="input">The input, [N, H, W, 3].</param>
    Levels<Variable> Run(Tape tape, Variable input);
}
