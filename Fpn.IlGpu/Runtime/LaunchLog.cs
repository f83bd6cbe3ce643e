using System.Diagnostics;
using System.Globalization;
using ILGPU;

namespace Fpn.IlGpu.Runtime;

/// <summary>A launch of a kernel.</summary>
/// <param name="Stage">The stage of the detection that it belongs to.</param>
/// <param name="Kernel">The kernel's class and method.</param>
/// <param name="Grid">How many threads, or groups × threads.</param>
/// <param name="Threads">The number of threads.</param>
/// <param name="Time">From this launch to the next, all queued work done.</param>
/// <param name="Bytes">The size of the arrays that the kernel was given, each counted once; it may read and write some of it more often or never.</param>
/// <param name="MultiplyAdds">Multiplications with their additions of the convolution or matrix product that this launch begins.</param>
internal readonly record struct KernelLaunch(
    string Stage, string Kernel, string Grid, long Threads, TimeSpan Time, long Bytes, long MultiplyAdds);

/// <summary>
/// Records the launches of kernels for a listener (<c>fpn explain</c>). While someone listens, the host waits for the device before each
/// launch; while nobody does, a launch costs a comparison with null.
/// </summary>
internal sealed class LaunchLog(Device device)
{
    private readonly List<KernelLaunch> launches = [];
    private string stage = "";
    private KernelLaunch? running;
    private long began;
    private long counted = device.MultiplyAdds;

    /// <summary>Further launches belong to this stage.</summary>
    public void Stage(string name)
    {
        End();
        stage = name;
    }

    /// <summary>A kernel of so many threads is about to be launched.</summary>
    public void Begin(Delegate kernel, int threads, params ReadOnlySpan<object?> arguments)
        => Begin(kernel, threads.ToString(CultureInfo.InvariantCulture), threads, arguments);

    /// <summary>A kernel of so many groups is about to be launched.</summary>
    public void Begin(Delegate kernel, KernelConfig config, params ReadOnlySpan<object?> arguments)
        => Begin(
            kernel, string.Create(CultureInfo.InvariantCulture, $"{config.GridDim.Size} × {config.GroupDim.Size}"), config.Size, arguments);

    /// <summary>Ends the last launch.</summary>
    /// <returns>All launches since the last call, in order.</returns>
    public IReadOnlyList<KernelLaunch> Stop()
    {
        End();
        KernelLaunch[] all = [.. launches];
        launches.Clear();
        return all;
    }

    private void Begin(Delegate kernel, string grid, long threads, ReadOnlySpan<object?> arguments)
    {
        End();
        var multiplyAdds = device.MultiplyAdds;
        running = new KernelLaunch(
            stage, $"{kernel.Method.DeclaringType!.Name}.{kernel.Method.Name}", grid, threads, default, BytesOf(arguments), multiplyAdds - counted);
        counted = multiplyAdds;
        began = Stopwatch.GetTimestamp();
    }

    private void End()
    {
        device.Synchronize();
        if (running is { } launch)
            launches.Add(launch with { Time = Stopwatch.GetElapsedTime(began) });
        running = null;
    }

    private static long BytesOf(ReadOnlySpan<object?> arguments)
    {
        var views = new HashSet<object>();
        foreach (var argument in arguments)
        {
            var own = argument is AddressedView addressed ? addressed.View : argument;
            if (own is IArrayView { IsValid: true })
                views.Add(own);
        }
        return views.Sum(view => ((IArrayView)view).LengthInBytes);
    }
}
