using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The bottom-up pathway (paper, section 3): any network that computes feature maps from fine to coarse. A pyramid can be built on
/// any implementation.
/// </summary>
internal interface IBackbone : IDisposable
{
    /// <summary>Channels of each map, finest first.</summary>
    IReadOnlyList<int> Channels { get; }

    /// <summary>A description for users, for example <c>ResNet, bottlenecks 3, 4, 6, 3</c>.</summary>
    string Description { get; }

    /// <summary>Computes the maps, finest first (C2 to C5 of a ResNet); the caller disposes them.</summary>
    /// <param name="input">The input, [N, H, W, 3].</param>
    IReadOnlyList<Tensor> Run(Tensor input);
}
