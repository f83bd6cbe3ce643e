using System.Numerics;
using System.Runtime.Intrinsics;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.IR.Intrinsics;
using ILGPU.Runtime.Cuda;

namespace Fpn.IlGpu.Tests.KernelIl;

/// <summary>Marks the methods that devices run instead of an intrinsic's own body; found by its name.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DeviceBodyAttribute : Attribute;

/// <summary>Kernels that ILGPU compiles, close to the ones that it does not.</summary>
internal static class AcceptedKernels
{
    internal const float Half = 0.5f;
    internal static readonly float Third = 1f / 3;

    internal enum Mode
    {
        Add,
        Multiply,
    }

    internal interface IScale
    {
        float Of(float value);
    }

    internal readonly record struct Size(int H, int W)
    {
        public int Area => H * W;
    }

    internal readonly struct Scale(float factor) : IScale
    {
        public float Of(float value) => factor * value;
    }

    internal static void Structs(Index1D i, ArrayView<float> values, Size size, Mode mode)
    {
        var (row, column) = Place(i, size);
        float value = mode switch
        {
            Mode.Add => row + column,
            _ => row * column,
        };
        values[i] = Through(new Scale(Half), value) + Third + size.Area;
    }

    internal static void Functions(Index1D i, ArrayView<float> values)
    {
        float value = XMath.Exp(values[i]) + MathF.Sqrt(values[i]) + Math.Max(i, 3) + BitOperations.PopCount((uint)i.X);
        values[i] = float.IsNaN(value) ? BitConverter.Int32BitsToSingle(i) : value;
    }

    internal static void Intrinsic(Index1D i, ArrayView<float> values) => Wide(values, i);

    [IntrinsicImplementation]
    internal static void Wide(ArrayView<float> values, int i) => values[i] = Vector128.Sum(Vector128.Create(values[i]));

    [DeviceBody]
    internal static void WideDevice(ArrayView<float> values, int i)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("mul.f32 %0, %1, 4.0;", out float product, values[i]);
            values[i] = product;
        }
        else
        {
            values[i] *= 4;
        }
    }

    private static (int Row, int Column) Place(int i, Size size) => (i / size.W, i % size.W);

    private static float Through<TScale>(TScale scale, float value) where TScale : struct, IScale => scale.Of(value);
}
