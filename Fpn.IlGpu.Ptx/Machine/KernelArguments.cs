using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Ptx;

/// <summary>
/// A launch's arguments as CUDA gets them: numbers unchanged, structs with each field aligned to its own size, and a view
/// as a 64-bit address and a 64-bit length. Arrays and views of host memory are mapped, not copied, so kernels write to
/// them. Overlapping views share a buffer; every other view has a buffer of exactly its length.
/// </summary>
internal sealed class KernelArguments : IDisposable
{
    private readonly List<GCHandle> pins = [];
    private readonly List<(long Pointer, long Bytes, long Start)> ranges = [];
    private readonly List<(long Pointer, long Bytes, ulong Address)> mapped = [];

    public GlobalMemory Global { get; } = new();

    /// <summary>Returns the bytes of a kernel's parameters.</summary>
    public byte[] Pack(PtxModule module, List<PtxVariable> parameters, object[] arguments)
    {
        if (parameters.Count != arguments.Length)
            throw new PtxException($"The kernel has {parameters.Count} parameters, but {arguments.Length} arguments were given.");
        var values = arguments.Select(a => a is Array array ? Pin(array) : a).ToArray();
        foreach (var value in values)
            Collect(value);
        MapRanges();
        var packed = new byte[module.ParameterBytes];
        for (var i = 0; i < values.Length; i++)
        {
            var end = Write(values[i], packed, parameters[i].Offset);
            var padded = Round(end - parameters[i].Offset, Alignment(values[i].GetType()));
            if (padded != parameters[i].Bytes)
            {
                throw new PtxException(
                    $"{parameters[i].Name} takes {parameters[i].Bytes} bytes, but {values[i].GetType().Name} has {padded}.");
            }
        }
        return packed;
    }

    public void Dispose()
    {
        foreach (var pin in pins)
            pin.Free();
    }

    private HostView Pin(Array array)
    {
        var pin = GCHandle.Alloc(array, GCHandleType.Pinned);
        pins.Add(pin);
        var bytes = (long)array.Length * Marshal.SizeOf(array.GetType().GetElementType()!);
        return new HostView(pin.AddrOfPinnedObject(), bytes, array.Length, 0);
    }

    private void Collect(object value)
    {
        if (AsView(value) is { } view)
        {
            if (view.Bytes > 0)
                ranges.Add((view.Pointer, view.Bytes, view.Start));
        }
        else if (!value.GetType().IsPrimitive && !value.GetType().IsEnum)
        {
            foreach (var field in Fields(value.GetType()))
                Collect(field.GetValue(value)!);
        }
    }

    private unsafe void MapRanges()
    {
        ranges.Sort();
        for (var i = 0; i < ranges.Count;)
        {
            var (pointer, bytes, start) = ranges[i];
            for (i++; i < ranges.Count && ranges[i].Pointer < pointer + bytes; i++)
                bytes = Math.Max(bytes, ranges[i].Pointer + ranges[i].Bytes - pointer);
            mapped.Add((pointer, bytes, Global.Map((void*)pointer, bytes, start)));
        }
    }

    private int Write(object value, byte[] packed, int at)
    {
        if (AsView(value) is { } view)
        {
            var address = 0UL;
            foreach (var range in mapped)
            {
                if (view.Bytes > 0 && view.Pointer >= range.Pointer && view.Pointer < range.Pointer + range.Bytes)
                    address = range.Address + (ulong)(view.Pointer - range.Pointer);
            }
            MemoryMarshal.Write(packed.AsSpan(at), address);
            MemoryMarshal.Write(packed.AsSpan(at + 8), view.Length);
            return at + 16;
        }
        if (value is AddressedView addressed)
        {
            // Its stored address is that of host memory; kernels need the mapped one.
            var end = Write(addressed.View, packed, at);
            packed.AsSpan(at, sizeof(long)).CopyTo(packed.AsSpan(end));
            return end + sizeof(long);
        }
        var type = value.GetType();
        if (type.IsEnum)
            return Write(Convert.ChangeType(value, type.GetEnumUnderlyingType(), null), packed, at);
        if (type.IsPrimitive)
        {
            var pin = GCHandle.Alloc(value, GCHandleType.Pinned);
            Marshal.Copy(pin.AddrOfPinnedObject(), packed, at, Marshal.SizeOf(type));
            pin.Free();
            return at + Marshal.SizeOf(type);
        }
        foreach (var field in Fields(type))
        {
            var part = field.GetValue(value)!;
            at = Write(part, packed, Round(at, Alignment(field.FieldType)));
            at = Round(at, Alignment(field.FieldType));
        }
        return at;
    }

    private static int Alignment(Type type)
    {
        if (IsView(type) || type == typeof(HostView))
            return 8;
        if (type.IsEnum)
            type = type.GetEnumUnderlyingType();
        return type.IsPrimitive ? Marshal.SizeOf(type) : Fields(type).Max(f => Alignment(f.FieldType));
    }

    private static int Round(int value, int alignment) => (value + alignment - 1) / alignment * alignment;

    private static FieldInfo[] Fields(Type type)
        => [.. type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).OrderBy(f => f.MetadataToken)];

    private static bool IsView(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);

    private static HostView? AsView(object value)
    {
        if (value is HostView host)
            return host;
        if (!IsView(value.GetType()))
            return null;
        var read = typeof(KernelArguments).GetMethod(nameof(ReadView), BindingFlags.Static | BindingFlags.NonPublic)!;
        return (HostView)read.MakeGenericMethod(value.GetType().GetGenericArguments()[0]).Invoke(null, [value])!;
    }

    private static unsafe HostView ReadView<T>(ArrayView<T> view)
        where T : unmanaged
    {
        if (view.Length == 0)
            return new HostView(0, 0, 0, 0);
        // Only this non-public property tells where in its buffer a view begins.
        const BindingFlags AnyInstance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        var index = (long)view.GetType().GetProperty("Index", AnyInstance)!.GetValue(view)!;
        return new HostView((nint)Unsafe.AsPointer(ref view[0]), view.Length * sizeof(T), view.Length, index * sizeof(T));
    }

    /// <summary>A view of host memory; Start is its offset in its buffer, in bytes.</summary>
    private readonly record struct HostView(nint Pointer, long Bytes, long Length, long Start);
}
