namespace Fpn.IlGpu.Ptx;

/// <summary>A kernel's PTX is malformed, uses an instruction that is not interpreted, or does what a GPU forbids.</summary>
public sealed class PtxException : Exception
{
    /// <summary>An error whose message says what is wrong.</summary>
    public PtxException(string message)
        : base(message)
    {
    }

    /// <summary>An error in an instruction; the message adds the instruction's place.</summary>
    public PtxException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
