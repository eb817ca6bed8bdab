-- What wrk sends to the server; the environment says what:
--   KIND      probe, probelist, get, list20, list1000, create or mixed (nine gets to a create)
--   API       whose paths: invited or pocketbase
--   KEY       the API key
--   SAMPLES   a file with a line for each known invitation: organization, space, id
--   SMALL     there are organizations small-0 to small-<SMALL - 1>, with about 100 invitations each
--   LARGE     there are organizations large-0 to large-<LARGE - 1>, with 1,000 invitations each
--   RUN       a number that no other run has: no address is invited twice

local run = os.getenv("RUN")
local small = tonumber(os.getenv("SMALL"))
local large = tonumber(os.getenv("LARGE"))
local headers = { ["Authorization"] = "Bearer " .. os.getenv("KEY"), ["Content-Type"] = "application/json" }

-- The paths of ours, and the body of a create.
local invited = {}

function invited.all(organization)
  return "/v1/organizations/" .. organization .. "/invitations"
end

function invited.one(organization, id)
  return invited.all(organization) .. "/" .. id
end

function invited.list(organization, limit)
  return invited.all(organization) .. "?limit=" .. limit
end

function invited.body(_, email)
  return '{"email":"' .. email .. '","role":"developer"}'
end

-- The same of PocketBase, which has one collection for all organizations.
local pocketbase = {}
local records = "/api/collections/invitations/records"

function pocketbase.all()
  return records
end

function pocketbase.one(_, id)
  return records .. "/" .. id:gsub("-", "")
end

function pocketbase.list(organization, limit)
  local filter = "organization%3D%27" .. organization .. "%27"
  return records .. "?skipTotal=1&sort=-id&perPage=" .. limit .. "&filter=" .. filter
end

function pocketbase.body(organization, email)
  return '{"organization":"' .. organization .. '","email":"' .. email
    .. '","role":"developer","status":"pending","expires":"2030-01-01 00:00:00.000Z"}'
end

local api = ({ invited = invited, pocketbase = pocketbase })[os.getenv("API")]

-- Requests that are written once, before the load starts, and then sent in random order.
local function any_of(paths)
  local requests = {}
  for i, path in ipairs(paths) do
    requests[i] = wrk.format("GET", path, headers)
  end
  return function()
    return requests[math.random(#requests)]
  end
end

local function gets()
  local paths = {}
  for line in io.lines(os.getenv("SAMPLES")) do
    local organization, id = line:match("(%S+) (%S+)")
    paths[#paths + 1] = api.one(organization, id)
  end
  return any_of(paths)
end

local function lists(name, count, limit)
  local paths = {}
  for i = 0, count - 1 do
    paths[#paths + 1] = api.list(name .. "-" .. i, limit)
  end
  return any_of(paths)
end

local function creates()
  local sent = 0
  return function()
    sent = sent + 1
    local organization = "small-" .. math.random(0, small - 1)
    local email = string.format("%08x.%s.%d@example.org", math.random(0, 2 ^ 31 - 1), run, sent)
    return wrk.format("POST", api.all(organization), headers, api.body(organization, email))
  end
end

local function mixed()
  local get, create = gets(), creates()
  return function()
    return math.random(10) == 1 and create() or get()
  end
end

local kinds = {
  probe = function() return any_of({ "/" }) end,
  probelist = function() return any_of({ "/list" }) end,
  get = gets,
  list20 = function() return lists("small", small, 20) end,
  list1000 = function() return lists("large", large, 1000) end,
  create = creates,
  mixed = mixed,
}

-- wrk calls this once it knows the host.
function init()
  math.randomseed(tonumber(run))
  request = kinds[os.getenv("KIND")]()
end
