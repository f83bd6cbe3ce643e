using System.Diagnostics.CodeAnalysis;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Detection;

/// <summary>The order of a map's values in memory.</summary>
public enum FeatureLayout
{
    /// <summary>[N, H, W, C]: this library's, TensorFlow's.</summary>
    ChannelsLast,

    /// <summary>[N, C, H, W]: PyTorch's, ONNX's.</summary>
    ChannelsFirst,
}

/// <summary>A feature map on the host.</summary>
public sealed class FeatureMap
{
    /// <summary>Wraps values, which are not copied.</summary>
    /// <param name="name">Its name: <c>P4</c>.</param>
    /// <param name="shape">Pictures, rows, columns and channels.</param>
    /// <param name="stridePx">The distance of neighbouring positions, in px of the network's input.</param>
    /// <param name="layout">The order of the values.</param>
    /// <param name="values">N · H · W · C values.</param>
    /// <exception cref="ArgumentException">The number of values is not that of the shape.</exception>
    public FeatureMap(string name, Shape shape, int stridePx, FeatureLayout layout, float[] values)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfLessThan(stridePx, 1);
        if (values.Length != shape.Length)
            throw new ArgumentException($"{values.Length} values don't fill a map of {shape}.", nameof(values));
        (Name, Shape, StridePx, Layout, Values) = (name, shape, stridePx, layout, values);
    }

    /// <summary>Its name: <c>P4</c>.</summary>
    public string Name { get; }

    /// <summary>Pictures, rows, columns and channels, whatever the layout.</summary>
    public Shape Shape { get; }

    /// <summary>The distance of neighbouring positions, in px of the network's input.</summary>
    public int StridePx { get; }

    /// <summary>The order of <see cref="Values"/>.</summary>
    public FeatureLayout Layout { get; }

    /// <summary>The values: [N, H, W, C] or [N, C, H, W], as <see cref="Layout"/> says.</summary>
    public float[] Values { get; }

    /// <summary>A value.</summary>
    /// <param name="picture">The index of the picture in the batch, from 0.</param>
    /// <param name="y">The row, from 0.</param>
    /// <param name="x">The column, from 0.</param>
    /// <param name="channel">The channel, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">An index is out of its range.</exception>
    [SuppressMessage("Design", "CA1043", Justification = "A map has four axes.")]
    public float this[int picture, int y, int x, int channel]
    {
        get
        {
            Check(picture, Shape.N, nameof(picture));
            Check(y, Shape.H, nameof(y));
            Check(x, Shape.W, nameof(x));
            Check(channel, Shape.C, nameof(channel));
            return Values[Layout == FeatureLayout.ChannelsLast
                ? ((picture * Shape.H + y) * Shape.W + x) * Shape.C + channel
                : ((picture * Shape.C + channel) * Shape.H + y) * Shape.W + x];
        }
    }

    /// <summary>Returns the map in another layout; itself if it has this one.</summary>
    /// <param name="layout">The order of the values.</param>
    public FeatureMap WithLayout(FeatureLayout layout)
    {
        if (layout == Layout)
            return this;
        var (n, h, w, c) = Shape;
        var values = new float[Values.Length];
        for (var i = 0; i < n; i++)
        {
            for (var p = 0; p < h * w; p++)
            {
                for (var k = 0; k < c; k++)
                {
                    var (last, first) = ((i * h * w + p) * c + k, (i * c + k) * h * w + p);
                    if (layout == FeatureLayout.ChannelsFirst)
                        values[first] = Values[last];
                    else
                        values[last] = Values[first];
                }
            }
        }
        return new FeatureMap(Name, Shape, StridePx, layout, values);
    }

    /// <summary>Its name and shape: <c>P4 [1, 50, 84, 256]</c>.</summary>
    public override string ToString() => $"{Name} {Shape}";

    private static void Check(int index, int count, string parameter)
    {
        if ((uint)index >= (uint)count)
            throw new ArgumentOutOfRangeException(parameter, index, $"The index must be from 0 to {count - 1}.");
    }
}
