using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Data;

/// <summary>An object of a training sample.</summary>
/// <param name="BoxInputPx">Where it is in the network's input, before padding.</param>
/// <param name="ClassIndex">Its class, from 0; no background.</param>
/// <param name="IsIgnored">Whether it is a crowd, or too difficult: not to be learned, nor to be learned as background.</param>
public readonly record struct SampleObject(Box BoxInputPx, int ClassIndex, bool IsIgnored = false);
