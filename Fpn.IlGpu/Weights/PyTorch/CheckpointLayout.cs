using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Finds the state dictionary in a checkpoint. Training scripts save it together with an optimizer's state, an epoch and
/// settings, under keys that differ between them:
/// <code>
/// {name: tensor}                                    torch.save(model.state_dict())
/// {"model": {…}}, {"model": {"state_dict": {…}}}    torchvision's references, Detectron2
/// {"state_dict": {…}}, {"model_state_dict": {…}}    mmdetection, Lightning, PyTorch's tutorials
/// {"net": {…}}, {"weights": {…}}, {"params": {…}}   many scripts
/// {"ema": {"module": {…}}}                          a moving average of the weights
/// {"blobs": {…}}                                    Caffe2, Detectron
/// </code>
/// </summary>
internal static class CheckpointLayout
{
    private const int MostWrappers = 3;
    private const int MostShown = 5;
    private const int MostTensors = 20_000;

    /// <summary>The number of models that torch.optim.swa_utils.AveragedModel has averaged; not a weight.</summary>
    private const string AveragedCount = "n_averaged";

    /// <summary>The prefix that DistributedDataParallel adds to each name.</summary>
    private const string ParallelPrefix = "module.";

    /// <summary>The suffix of Caffe2's optimizer state, which is stored next to each weight.</summary>
    private const string MomentumSuffix = "_momentum";

    /// <summary>
    /// Keys of a state dictionary. The first one that holds tensors is used; a key without tensors may mean something else.
    /// </summary>
    private static readonly string[] Wrappers =
    [
        "model", "state_dict", "model_state_dict", "model_state", "net", "network", "weights", "params", "ema", "model_ema", "ema_state_dict",
        "params_ema", "module", "blobs",
    ];

    /// <summary>Returns the named tensors, each a <see cref="TorchTensor"/> or <see cref="NumpyArray"/>.</summary>
    /// <exception cref="WeightsException">There are no tensors, or too many.</exception>
    public static IReadOnlyList<KeyValuePair<string, object>> Find(object? root, SourceName source)
    {
        // A hostile file may nest a dictionary in itself.
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        if (Unwrap(root, source, MostWrappers, seen) is not { } found)
            throw source.Wrong(Explain(root));
        if (found.Count > MostTensors)
            throw source.Wrong($"it has {found.Count} tensors; the limit is {MostTensors}");
        return found.TrueForAll(item => item.Key.StartsWith(ParallelPrefix, StringComparison.Ordinal))
            ? [.. found.Select(item => KeyValuePair.Create(item.Key[ParallelPrefix.Length..], item.Value))]
            : found;
    }

    private static List<KeyValuePair<string, object>>? Unwrap(
        object? value, SourceName source, int wrappers, HashSet<object> seen)
    {
        if (value is not PickleDictionary dictionary || !seen.Add(dictionary))
            return null;
        if (wrappers > 0)
        {
            foreach (var wrapper in Wrappers)
            {
                if (Unwrap(dictionary.Find(wrapper), source, wrappers - 1, seen) is { } inner)
                    return inner;
            }
        }

        var tensors = Tensors(dictionary, source);
        return tensors.Count > 0 ? tensors : null;
    }

    /// <summary>The entries that are tensors. If a key repeats, its last value counts, at the position of the first.</summary>
    private static List<KeyValuePair<string, object>> Tensors(PickleDictionary dictionary, SourceName source)
    {
        var latest = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((var key, var value) in dictionary.Items)
        {
            if (key is string name)
                latest[name] = value;
            else if (key is PickleText && value is TorchTensor or NumpyArray)
                throw source.Wrong("a tensor's name is far too long");
        }
        var tensors = new List<KeyValuePair<string, object>>();
        foreach ((var name, var value) in latest)
        {
            var isMomentum = value is NumpyArray && name.EndsWith(MomentumSuffix, StringComparison.Ordinal);
            if (value is TorchTensor or NumpyArray && name != AveragedCount && !isMomentum)
                tensors.Add(KeyValuePair.Create(name, value));
        }
        return tensors;
    }

    private static string Explain(object? root)
    {
        if (root is not PickleDictionary dictionary)
            return $"holds {PickleView.Describe(root)}, not a state dictionary of named tensors";
        if (dictionary.Items.Count == 0)
            return "holds an empty dictionary, without tensors";
        var keys = dictionary.Items.Take(MostShown).Select(item =>
            item.Key is string name ? WeightsException.Quote(name) : PickleView.Describe(item.Key));
        var more = dictionary.Items.Count > MostShown ? ", …" : "";
        return $"holds a dictionary with the keys {string.Join(", ", keys)}{more}, but no named tensors in it";
    }
}
