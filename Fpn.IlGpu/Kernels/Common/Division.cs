namespace Fpn.IlGpu.Kernels;

/// <summary>Division that rounds up, on the host and in kernels.</summary>
internal static class Division
{
    /// <summary>How many parts of a size cover a whole; both are positive.</summary>
    public static int CeilDiv(int whole, int part) => (whole + part - 1) / part;
}
