// Stand-in for the checks of a kernel by KernelLoaders of ILGPU 1.5.3, used where the package feed lacks it.
using System.Reflection;

namespace ILGPU.Runtime;

/// <summary>Refuses at once what the real library could not compile: methods that carry an object along.</summary>
internal static class KernelCheck
{
    public static void Verify(Delegate kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        bool carriesState = kernel.Target?.GetType()
            .GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length > 0;
        if (carriesState)
        {
            throw new NotSupportedException(
                $"A kernel must be a static method; '{kernel.Method.Name}' captures values.");
        }
    }
}
