namespace Fpn.IlGpu.Runtime;

/// <summary>The backends that compile a device body.</summary>
[Flags]
internal enum Backends
{
    OpenCl = 1,
    Ptx = 2,
    All = OpenCl | Ptx,
}

/// <summary>
/// Marks the method that OpenCL or CUDA compile in place of an intrinsic of the same class. The intrinsic's own body,
/// marked <c>[IntrinsicImplementation]</c>, is what runs on a CPU, where ILGPU calls it as the ordinary method that it
/// is: it may use SIMD types and pointers, which ILGPU's compiler would refuse.
/// </summary>
/// <param name="of">The intrinsic's name; both take the same parameters.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DeviceBodyAttribute(string of) : Attribute
{
    /// <summary>The intrinsic's name.</summary>
    public string Of { get; } = of;

    /// <summary>The backends that this body is for.</summary>
    public Backends For { get; init; } = Backends.All;
}
