using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Fpn.IlGpu.Runtime;

/// <summary>Finds this machine's accelerators and chooses one.</summary>
internal static class DeviceList
{
    // Only the memory of ILGPU's CPU device is used; CpuWorkers run the kernels. Two threads are the fewest that it takes.
    private static readonly CPUDevice Host = new(numThreadsPerWarp: 2, numWarpsPerMultiprocessor: 1, numMultiprocessors: 1);

    /// <summary>A context that knows the devices of one kind, or of all kinds.</summary>
    public static Context CreateContext(DeviceKind? only)
    {
        DriverLibraries.LetIlgpuFindThem();
        return Context.Create(builder =>
        {
            // Only O2 infers address spaces, without which no kernel compiles for OpenCL devices that lack the generic
            // one. It also sinks loads within a block, even below stores to the same element: kernels don't use an
            // element's old value after they overwrite it.
            builder.Optimize(OptimizationLevel.O2).EnableAlgorithms();
            if (only is null or DeviceKind.Cuda)
                builder.Cuda();
            if (only is null or DeviceKind.OpenCl)
                builder.OpenCL(_ => true);
            builder.CPU(Host);
        });
    }

    /// <summary>Every accelerator of the context with the information that users see, the preferred one marked.</summary>
    public static List<(ILGPU.Runtime.Device Device, DeviceInfo Info)> Describe(Context context, DeviceOptions options)
    {
        var found = new List<(ILGPU.Runtime.Device Device, DeviceInfo Info)>();
        var cuda = 0;
        var openCl = 0;
        foreach (var device in context.Devices)
        {
            var info = device switch
            {
                CPUDevice => new DeviceInfo(
                    "cpu", DeviceKind.Cpu, $"{Environment.ProcessorCount} CPU cores",
                    GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, null, false),
                CudaDevice gpu => new DeviceInfo(
                    $"cuda:{cuda++}", DeviceKind.Cuda, device.Name, device.MemorySize, null, false)
                { HasTensorCores = gpu.Architecture >= CudaArchitecture.SM_80 },
                CLDevice cl => new DeviceInfo(
                    $"opencl:{openCl++}",
                    DeviceKind.OpenCl,
                    device.Name.Trim(),
                    device.MemorySize,
                    WhyUnusable(cl, options),
                    false)
                { IsGpu = cl.DeviceType == CLDeviceType.CL_DEVICE_TYPE_GPU },
                _ => null,
            };
            if (info is not null)
                found.Add((device, info));
        }
        var best = found.FindIndex(f => f.Info.Kind == DeviceKind.Cuda);
        if (best < 0)
            best = found.FindIndex(f => f.Info is { Unusable: null, IsGpu: true });
        if (best < 0)
            best = found.FindIndex(f => f.Info.Kind == DeviceKind.Cpu);
        found[best] = (found[best].Device, found[best].Info with { IsDefault = true });
        return found;
    }

    /// <summary>The one device that a name means.</summary>
    /// <exception cref="DeviceException">The name is malformed, or there is no such usable device.</exception>
    public static (ILGPU.Runtime.Device Device, DeviceInfo Info) Choose(Context context, string name, DeviceOptions options)
    {
        var found = Describe(context, options);
        var wanted = name == "auto"
            ? found.First(f => f.Info.IsDefault)
            : found.FirstOrDefault(f => f.Info.Id == (name.Contains(':') || name == "cpu" ? name : name + ":0"));
        if (wanted.Info is null)
        {
            // The context may know only one kind of device; the message names all of them.
            var there = string.Join(", ", Device.List(options).Select(d => d.Id));
            throw new DeviceException(
                $"There is no device '{name}' here; found: {there}. 'fpn devices' shows them, and 'auto' takes the best.");
        }
        if (wanted.Info.Unusable is { } reason)
            throw new DeviceException($"The device '{wanted.Info.Id}' ({wanted.Info.Name}) can't be used. {reason}");
        return wanted;
    }

    /// <summary>The kind that a device's name asks for; null for <c>auto</c>.</summary>
    /// <exception cref="DeviceException">The name is none of auto, cpu, cuda[:n], opencl[:n].</exception>
    public static DeviceKind? ParseKind(string name)
    {
        var parts = name.Split(':');
        var wellFormed = parts.Length == 1 || (parts.Length == 2 && parts[0] is "cuda" or "opencl"
            && int.TryParse(parts[1], System.Globalization.NumberStyles.None, null, out _));
        return (wellFormed, parts[0]) switch
        {
            (true, "auto") => null,
            (true, "cpu") => DeviceKind.Cpu,
            (true, "cuda") => DeviceKind.Cuda,
            (true, "opencl") => DeviceKind.OpenCl,
            _ => throw new DeviceException($"'{name}' is no device; use auto, cpu, cuda[:n] or opencl[:n]."),
        };
    }

    private static string? WhyUnusable(CLDevice device, DeviceOptions options)
    {
        if (device.CLStdVersion < CLBackend.MinimumVersion)
            return $"It offers OpenCL {device.CLStdVersion}, and {CLBackend.MinimumVersion} is needed; a newer driver may help.";
        return device.Capabilities.GenericAddressSpace || options.AllowAnyOpenCl
            ? null
            : "It doesn't advertise OpenCL's generic address space; --opencl-any (AllowAnyOpenCl) uses it all the same.";
    }
}
