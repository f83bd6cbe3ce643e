using System.Reflection;
using System.Reflection.Emit;

namespace Fpn.IlGpu.Tests.KernelIl;

/// <summary>
/// Walks the instructions of a kernel and of all it calls, and collects what ILGPU would refuse to compile. It stops
/// at intrinsics, whose bodies run on CPUs only, and at ILGPU itself.
/// </summary>
internal sealed class KernelWalker
{
    private readonly List<string> refusals = [];
    private readonly HashSet<MethodBase> done = [];
    private readonly Stack<MethodBase> path = new();

    /// <summary>A sentence for each thing that the kernel must not do; none for a good kernel.</summary>
    public static IReadOnlyList<string> Refusals(MethodInfo kernel)
    {
        var walker = new KernelWalker();
        walker.path.Push(kernel);
        foreach (var parameter in kernel.GetParameters())
            walker.CheckParameter(parameter);
        walker.path.Pop();
        walker.Walk(kernel);
        return walker.refusals;
    }

    public static bool IsIlgpu(Type? type) =>
        type?.Namespace is { } name && (name == "ILGPU" || name.StartsWith("ILGPU.", StringComparison.Ordinal));

    public static bool IsMarked(MethodBase method, string attribute) =>
        method.CustomAttributes.Any(data => data.AttributeType.Name == attribute);

    /// <summary>Whether ILGPU would compile the assembly's methods, too: the library's, and those of these tests.</summary>
    private static bool IsOurs(Assembly assembly) =>
        assembly == typeof(KernelWalker).Assembly || assembly.GetName().Name == "Fpn.IlGpu";

    private void Walk(MethodBase method)
    {
        if (path.Contains(method))
        {
            Refuse($"calls itself again through {Name(method)} (recursion)");
            return;
        }

        if (!done.Add(method))
            return;
        path.Push(method);
        if (method.GetMethodBody() is { } body)
            WalkBody(method, body);
        else
            Refuse("has no body to compile (abstract or native)");
        path.Pop();
    }

    private void WalkBody(MethodBase method, MethodBody body)
    {
        if (body.ExceptionHandlingClauses.Count > 0)
            Refuse("has a try block");
        foreach (var local in body.LocalVariables)
            CheckType(local.LocalType, "has a variable of");

        Type[] typeArguments = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : [];
        Type[] methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : [];
        var instructions = IlInstructions.Read(body);
        Type? constraint = null;
        for (int i = 0; i < instructions.Count; i++)
        {
            var instruction = instructions[i];
            var code = instruction.Code;
            var module = method.Module;
            if (code == OpCodes.Constrained)
            {
                constraint = module.ResolveType(instruction.Token, typeArguments, methodArguments);
                continue;
            }

            if (code.OperandType == OperandType.InlineField)
                CheckField(code, module.ResolveField(instruction.Token, typeArguments, methodArguments)!);
            else if (code == OpCodes.Ldftn || code == OpCodes.Ldvirtftn || code == OpCodes.Calli)
                Refuse("makes or calls a delegate or function pointer");
            else if (code.OperandType == OperandType.InlineMethod)
                CheckCall(code, module.ResolveMethod(instruction.Token, typeArguments, methodArguments)!, constraint);
            else if (code == OpCodes.Ldstr && !FeedsInlinePtx(module, instructions, i))
                Refuse("uses a string");
            else if (Reason(code) is { } reason)
                Refuse(reason);
            constraint = null;
        }
    }

    private static string? Reason(OpCode code)
    {
        if (code == OpCodes.Newarr)
            return "creates an array";
        if (code == OpCodes.Box || code == OpCodes.Unbox || code == OpCodes.Unbox_Any)
            return "boxes a value";
        if (code == OpCodes.Throw || code == OpCodes.Rethrow)
            return "throws";
        if (code == OpCodes.Castclass || code == OpCodes.Isinst)
            return "tests or casts the class of an object";
        if (code == OpCodes.Localloc)
            return "allocates on the stack";
        return code == OpCodes.Ldtoken ? "asks for a type at run time" : null;
    }

    private void CheckCall(OpCode code, MethodBase target, Type? constraint)
    {
        if (target.DeclaringType is not { } type)
        {
            Refuse($"calls {target.Name}, which belongs to no type");
        }
        else if (IsIlgpu(type) || IsMarked(target, "IntrinsicImplementationAttribute") || KnownCalls.Contains(target))
        {
            // What ILGPU compiles itself, or replaces.
        }
        else if (constraint is { IsValueType: true } && Implementation(constraint, target) is { } implementation)
        {
            CheckCall(OpCodes.Call, implementation, null);
        }
        else if (typeof(Delegate).IsAssignableFrom(type))
        {
            Refuse($"makes or calls a delegate ({Name(target)})");
        }
        else if (code == OpCodes.Newobj && !type.IsValueType)
        {
            Refuse($"creates an object of class {type.Name}");
        }
        else if (code == OpCodes.Callvirt && (type.IsInterface || target.IsVirtual))
        {
            Refuse($"calls {Name(target)} through an interface or a virtual method");
        }
        else if (IsOurs(type.Assembly))
        {
            Walk(target);
        }
        else
        {
            Refuse($"calls {Name(target)}, which ILGPU does not know");
        }
    }

    private void CheckField(OpCode code, FieldInfo field)
    {
        if (!field.IsStatic || IsIlgpu(field.DeclaringType))
            return;
        if (code == OpCodes.Stsfld)
            Refuse($"writes the static field {field.Name}");
        else if (!field.IsInitOnly && !field.IsLiteral)
            Refuse($"uses the static field {field.Name}, which can change");
        else if (!field.FieldType.IsPrimitive && !field.FieldType.IsEnum)
            Refuse($"uses the static field {field.Name} of type {field.FieldType.Name}, of which ILGPU keeps no copy");
    }

    private void CheckParameter(ParameterInfo parameter)
    {
        if (FirstUnblittable(parameter.ParameterType, parameter.Name ?? "?") is { } what)
            Refuse($"takes a parameter that cannot be passed to a device ({what})");
    }

    // bool and char have no agreed size on devices; ILGPU passes neither.
    private static string? FirstUnblittable(Type type, string name)
    {
        if (IsIlgpu(type) || type.IsEnum || type.IsGenericParameter)
            return null;
        bool isNumber = Type.GetTypeCode(type) is >= TypeCode.SByte and <= TypeCode.Double;
        if (isNumber)
            return null;
        if (!type.IsValueType || type.IsPrimitive || type == typeof(decimal))
            return $"{name} is {type.Name}";
        return type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Select(field => FirstUnblittable(field.FieldType, $"{name}.{field.Name}"))
            .FirstOrDefault(found => found is not null);
    }

    private void CheckType(Type type, string what)
    {
        var inner = type.IsByRef || type.IsPointer ? type.GetElementType()! : type;
        if (inner.Namespace == "System.Runtime.Intrinsics" || inner.FullName == "System.Numerics.Vector`1")
            Refuse($"{what} the SIMD type {inner.Name}");
        else if (!inner.IsValueType && !inner.IsGenericParameter)
            Refuse($"{what} the class {inner.Name}");
    }

    private static MethodInfo? Implementation(Type type, MethodBase target)
    {
        if (target.DeclaringType is not { IsInterface: true } contract)
            return null;
        var map = type.GetInterfaceMap(contract);
        int index = Array.IndexOf(map.InterfaceMethods, target);
        return index < 0 ? null : map.TargetMethods[index];
    }

    // Strings of inline PTX are read by the compiler and never exist on the device.
    private static bool FeedsInlinePtx(Module module, List<IlInstruction> instructions, int at) =>
        instructions.Skip(at)
            .Where(instruction => instruction.Code == OpCodes.Call)
            .Any(instruction => Called(module, instruction.Token) is { Name: "Emit", DeclaringType.Name: "CudaAsm" });

    private static MethodBase? Called(Module module, int token)
    {
        try
        {
            return module.ResolveMethod(token);
        }
        catch (BadImageFormatException)
        {
            // A call whose type arguments are those of the method around it.
            return null;
        }
    }

    private void Refuse(string what) =>
        refusals.Add($"{string.Join(" > ", path.Reverse().Select(Name))} {what}.");

    private static string Name(MethodBase method) => $"{method.DeclaringType?.Name}.{method.Name}";
}
