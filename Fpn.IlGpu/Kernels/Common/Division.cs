namespace Fpn.IlGpu.Kernels;

/// <summary>Division that rounds up, on the host and in kernels.</summary>
internal static class Division
{
    /// <summary>Returns whole / part, rounded up: how many parts cover the whole. Both are positive.</summary>
    public static int CeilDiv(int whole, int part) => (whole + part - 1) / part;
}
