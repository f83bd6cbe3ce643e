namespace Fpn.IlGpu.Course;

/// <summary>A map on the host.</summary>
/// <param name="H">Rows.</param>
/// <param name="W">Columns.</param>
/// <param name="C">Channels.</param>
/// <param name="Values">[H, W, C].</param>
public sealed record Map(int H, int W, int C, float[] Values);

/// <summary>An object that was found.</summary>
/// <param name="ClassId">Its class; 0 is the background.</param>
/// <param name="Score">Its probability.</param>
/// <param name="BoxInputPx">Its box.</param>
public sealed record Found(int ClassId, float Score, Fpn.IlGpu.Tensors.Box BoxInputPx);
