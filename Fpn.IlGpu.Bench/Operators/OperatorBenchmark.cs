using BenchmarkDotNet.Attributes;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Bench.Operators;

/// <summary>The base of operator benchmarks: the device, and the resources that a benchmark owns on it.</summary>
public abstract class OperatorBenchmark
{
    private readonly Stack<IDisposable> owned = [];

    /// <summary>The device of all benchmarks. It is static because BenchmarkDotNet creates their instances.</summary>
    internal static Device? SharedDevice { get; set; }

    private protected static Device Device => SharedDevice ?? throw new InvalidOperationException("No device was opened.");

    /// <summary>Frees everything.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        while (owned.TryPop(out var one))
            one.Dispose();
    }

    /// <summary>Frees a resource when the benchmark is done.</summary>
    private protected T Own<T>(T one)
        where T : IDisposable
    {
        owned.Push(one);
        return one;
    }

    /// <summary>A tensor of random values.</summary>
    private protected Tensor Random(params ReadOnlySpan<int> shape)
    {
        var full = new Shape(shape[0], shape[1], shape[2], shape[3]);
        return Own(Tensor.Upload(Device, full, LayerRun.Values((int)full.Length)));
    }

    /// <summary>An array on the device.</summary>
    private protected DeviceArray<T> Upload<T>(params ReadOnlySpan<T> values)
        where T : unmanaged
        => Own(Device.Upload(values));

    /// <summary>Waits for the queued work.</summary>
    private protected static void Finish() => Device.Synchronize();

    /// <summary>Boxes of all sizes and places within a picture, the same on every call.</summary>
    private protected static Box[] Boxes(int count, int height, int width)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var (h, w) = (Side(height), Side(width));
            var (y, x) = (random.NextSingle() * (height - h), random.NextSingle() * (width - w));
            return new Box(x, y, x + w, y + h);
        })];

        // As many sides between 16 and 32 px as between 256 and 512.
        float Side(int longest) => MathF.Min(longest, 16 * MathF.Pow(2, 5 * random.NextSingle()));
    }
}
