-- The fingerprints of allow_list.lua, each with the statement that it stands for.
return {
  "c42d0d2a8ef8db8b",  -- SELECT name FROM customers WHERE id = $1
  "0d15f975eaeed5d5",  -- SELECT count(*) FROM customers
}
