// Stand-in for intrinsics of ILGPU 1.5.3, used where the package feed lacks it.
#pragma warning disable CA1822 // instance members there, although they need no instance here
using System.Reflection;

namespace ILGPU.IR.Intrinsics;

/// <summary>How an intrinsic replaces a method.</summary>
internal enum IntrinsicImplementationMode
{
    Redirect,
    GenerateCode,
}

/// <summary>Marks methods that devices may replace; the CPU calls them as they are.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class IntrinsicImplementationAttribute : Attribute;

/// <summary>What a device runs instead of a method.</summary>
internal abstract class IntrinsicImplementation
{
    private protected IntrinsicImplementation(MethodInfo targetMethod, IntrinsicImplementationMode mode)
    {
        ArgumentNullException.ThrowIfNull(targetMethod);
        TargetMethod = targetMethod;
        Mode = mode;
    }

    private protected IntrinsicImplementation(Type handlerType, string methodName, IntrinsicImplementationMode mode)
        : this(Find(handlerType, methodName), mode)
    {
    }

    public MethodInfo TargetMethod { get; }

    public IntrinsicImplementationMode Mode { get; }

    private static MethodInfo Find(Type type, string name) =>
        type.GetMethod(
            name,
            BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
        ?? throw new ArgumentException($"'{type.Name}' has no method '{name}'.", nameof(name));
}

/// <summary>Takes what devices run instead of methods. Only the CPU is here, so it has no effect.</summary>
internal sealed class IntrinsicImplementationManager
{
    /// <summary>Checks what no compiler here would find: a target must take and return what the method does.</summary>
    public void RegisterMethod(MethodInfo method, IntrinsicImplementation implementation)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(implementation);
        var target = implementation.TargetMethod;
        bool redirects = implementation.Mode == IntrinsicImplementationMode.Redirect;
        bool same = method.ReturnType == target.ReturnType && Parameters(method).SequenceEqual(Parameters(target));
        if (redirects && !same)
        {
            throw new ArgumentException(
                $"'{target.Name}' and '{method.Name}' differ in their parameters.", nameof(implementation));
        }
    }

    private static IEnumerable<Type> Parameters(MethodInfo method) =>
        method.GetParameters().Select(parameter => parameter.ParameterType);
}
