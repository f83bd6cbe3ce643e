using Fpn.IlGpu.Data;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// Random values for the tensors of an untrained network, as each layer asks for them (see <see cref="Initial"/>). They depend only on
/// the seed and each tensor's name.
/// </summary>
internal static class FreshWeights
{
    // The logit of 0.01.
    private const double RareLogit = -4.59511985013459;

    /// <summary>Draws the values of a tensor.</summary>
    /// <param name="spec">Its name, its shape and its distribution.</param>
    /// <param name="seed">The seed of the random numbers.</param>
    public static StateTensor Of(TensorSpec spec, long seed)
    {
        var random = new KeyedRandom(seed, Hash(spec.Name));
        var values = new float[spec.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)Value(spec, ref random);
        return StateTensor.FromValues(spec.Name, spec.Shape, values);
    }

    private static double Value(TensorSpec spec, ref KeyedRandom random) => spec.Initial switch
    {
        Initial.Ones => 1,
        Initial.RareLogit => RareLogit,
        Initial.KaimingNormal => Normal(Math.Sqrt(2.0 / (spec.Length / spec.Shape[1])), ref random),
        Initial.Small => Normal(0.01, ref random),
        Initial.KaimingUniform => Uniform(Math.Sqrt(3.0 / spec.Inputs), ref random),
        Initial.Linear => Uniform(1 / Math.Sqrt(3) * Math.Sqrt(3.0 / spec.Inputs), ref random),
        _ => 0,
    };

    private static double Uniform(double range, ref KeyedRandom random) => range * (2 * random.NextUnit() - 1);

    // The Box–Muller transform makes a normal number from two uniform ones.
    private static double Normal(double deviation, ref KeyedRandom random)
        => deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextUnit())) * Math.Cos(2 * Math.PI * random.NextUnit());

    // A hash that is the same in every process, unlike string.GetHashCode.
    private static long Hash(string name)
    {
        var hash = 0L;
        foreach (var c in name)
            hash = unchecked(hash * 31 + c);
        return hash;
    }
}
