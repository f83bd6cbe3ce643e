using System.Reflection;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Runtime;

/// <summary>Tells an ILGPU context which device body stands for which intrinsic.</summary>
internal static class Intrinsics
{
    private const BindingFlags Methods =
        BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>Registers every <see cref="DeviceBodyAttribute"/> of this library.</summary>
    public static void Register(Context context)
    {
        var manager = context.GetIntrinsicManager();
        foreach (var type in typeof(Intrinsics).Assembly.GetTypes())
        {
            foreach (var body in type.GetMethods(Methods))
            {
                if (body.GetCustomAttribute<DeviceBodyAttribute>() is not { } mark)
                    continue;
                var intrinsic = type.GetMethod(mark.Of, Methods)
                    ?? throw new InvalidOperationException($"{type.Name}.{body.Name} names no intrinsic '{mark.Of}'.");
                if (mark.For.HasFlag(Backends.OpenCl))
                {
                    manager.RegisterMethod(
                        intrinsic, new CLIntrinsic(type, body.Name, IntrinsicImplementationMode.Redirect));
                }
                if (mark.For.HasFlag(Backends.Ptx))
                {
                    manager.RegisterMethod(
                        intrinsic, new PTXIntrinsic(type, body.Name, IntrinsicImplementationMode.Redirect));
                }
            }
        }
    }
}
